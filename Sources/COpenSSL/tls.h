// OpenSSL's TLS: what it offers as macros only, and what its certificates say. Nothing here decides anything.
#ifndef COPENSSL_TLS_H
#define COPENSSL_TLS_H
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static inline int copenssl_require_tls12(SSL_CTX *context) {
    return (int)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

// The name the client asks for (RFC 6066, 3).
static inline int copenssl_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

// Idle connections give their 34 kB of buffers back.
static inline void copenssl_release_buffers(SSL_CTX *context) { SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS); }

// The certificate that was refused, for `copenssl_refused`: a handshake that fails keeps none.
static inline int copenssl_keep_refused(int isFine, X509_STORE_CTX *store) {
    SSL *ssl = (SSL *)X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    X509 *refused = X509_STORE_CTX_get_current_cert(store);
    if (!isFine && refused && X509_up_ref(refused)) {
        X509_free((X509 *)SSL_get_app_data(ssl));
        SSL_set_app_data(ssl, refused);
    }
    return isFine;
}

// Of a client: its server's certificate. Of a server: its callers must show one.
static inline void copenssl_verify(SSL_CTX *context) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, copenssl_keep_refused);
}

// Stays the session's own.
static inline X509 *copenssl_refused(const SSL *ssl) { return (X509 *)SSL_get_app_data(ssl); }

static inline void copenssl_free(SSL *ssl) {
    X509_free((X509 *)SSL_get_app_data(ssl));
    SSL_free(ssl);
}

// The names a certificate is for, `a.example, b.example, 192.0.2.1`; its common name where it has no other.
static inline void copenssl_names(X509 *certificate, char *text, size_t capacity) {
    size_t count = 0;
    text[0] = 0;
    GENERAL_NAMES *names = (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        char one[256] = "";
        if (name->type == GEN_DNS || name->type == GEN_URI) {
            const ASN1_STRING *string = name->type == GEN_DNS ? name->d.dNSName : name->d.uniformResourceIdentifier;
            snprintf(one, sizeof one, "%.*s", ASN1_STRING_length(string), (const char *)ASN1_STRING_get0_data(string));
        } else if (name->type == GEN_IPADD) {
            int length = ASN1_STRING_length(name->d.iPAddress);
            inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), one, sizeof one);
        }
        size_t need = strlen(one) + 3;
        if (!one[0] || count + need > capacity) continue;
        count += (size_t)snprintf(text + count, capacity - count, "%s%s", count ? ", " : "", one);
    }
    GENERAL_NAMES_free(names);
    if (!count && X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, (int)capacity) < 0)
        text[0] = 0;
}

// `CN=name,O=organisation`, as RFC 2253 writes it.
static inline void copenssl_name_text(const X509_NAME *name, char *text, size_t capacity) {
    BIO *bio = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
    int count = BIO_read(bio, text, (int)capacity - 1);
    text[count > 0 ? count : 0] = 0;
    BIO_free(bio);
}

// `Nov 24 16:00:00 2026 GMT`.
static inline void copenssl_time_text(const ASN1_TIME *time, char *text, size_t capacity) {
    BIO *bio = BIO_new(BIO_s_mem());
    ASN1_TIME_print(bio, time);
    int count = BIO_read(bio, text, (int)capacity - 1);
    text[count > 0 ? count : 0] = 0;
    BIO_free(bio);
}

// A key and a certificate for 127.0.0.1 that vouches for itself for a day: what the built-in target shows. Both null where
// OpenSSL would not.
static inline void copenssl_make_loopback_certificate(X509 **certificate, EVP_PKEY **key) {
    *certificate = X509_new();
    *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    if (!*certificate || !*key) goto failed;
    X509_set_version(*certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(*certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(*certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(*certificate), 86400);
    X509_set_pubkey(*certificate, *key);
    X509_NAME *name = X509_get_subject_name(*certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"sipmeter", -1, -1, 0);
    X509_set_issuer_name(*certificate, name);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    if (!names || !X509_add_ext(*certificate, names, -1)) goto failed;
    X509_EXTENSION_free(names);
    if (X509_sign(*certificate, *key, EVP_sha256())) return;
failed:
    X509_free(*certificate);
    EVP_PKEY_free(*key);
    *certificate = NULL;
    *key = NULL;
}
#endif
