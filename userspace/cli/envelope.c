// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Signed model files: taken apart, put together, judged. What is judged here
 * is what the kernel judges, in the same order and with the same errnos
 * (module/sec/admit.c), except for what only it knows: its keyrings, what is
 * blocked, its policy.
 */
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "sign.h"

/* The kernel's struct module_signature, which has no header in user space. */
struct trailer {
	uint8_t algo, hash, id_type, signer_len, key_id_len, pad[3];
	uint8_t sig_len[4];	/* big-endian */
};

_Static_assert(sizeof(struct trailer) == 12, "as in the kernel");

/* ---- files -------------------------------------------------------------- */

/* The verifier's word on the model proper. CLI status, message printed. */
static int check_model(const char *path, const struct signed_file *f)
{
	struct aim_reason reason = { "" };
	char clean[4 * AIM_REASON_LEN];
	struct aim_view *view = calloc(1, sizeof(*view));
	void *scratch = malloc(aim_verify_scratch(f->data, f->env.model_bytes) + 1);
	int ret = CLI_OK;

	if (!view || !scratch)
		ret = cli_error(CLI_FAILED, "out of memory");
	else if (aim_verify(f->data, f->env.model_bytes, scratch, view, &reason))
		ret = cli_error(CLI_REFUSED, "%s would be refused: %s", path,
				text_clean(reason.text, clean, sizeof(clean)));
	free(view);
	free(scratch);
	return ret;
}

int signed_load(const char *path, struct signed_file *f)
{
	struct aim_reason reason = { "" };
	char clean[4 * AIM_REASON_LEN];
	int ret;

	*f = (struct signed_file){ 0 };
	ret = file_load(path, SIGNED_MAX_BYTES, &f->data, &f->bytes);
	if (ret)
		return ret;
	if (f->bytes >= 8 && !memcmp((char *)f->data + 4, "TFL3", 4))
		ret = cli_error(CLI_REFUSED, "%s is a TensorFlow Lite file; convert it first: aioffload model convert %s",
				path, path);
	else if (aim_envelope_open(f->data, f->bytes, &f->env, &reason))
		ret = cli_error(CLI_REFUSED, "%s would be refused: %s", path,
				text_clean(reason.text, clean, sizeof(clean)));
	else
		ret = check_model(path, f);
	if (ret)
		signed_free(f);
	return ret;
}

void signed_free(struct signed_file *f)
{
	free(f->data);
	*f = (struct signed_file){ 0 };
}

int signed_digest(const struct signed_file *f, uint8_t digest[32])
{
	unsigned int len = 0;

	if (!EVP_Digest(f->data, f->env.model_bytes, digest, &len, EVP_sha256(),
			NULL) || len != 32)
		return -EIO;
	return 0;
}

/* ---- putting together --------------------------------------------------- */

int seal_manifest(const struct signed_file *f, const struct aim_manifest *m,
		  struct sealed *out)
{
	size_t at = (f->env.model_bytes + 7) / 8 * 8;

	out->bytes = at + sizeof(*m);
	out->data = calloc(1, out->bytes);
	if (!out->data)
		return cli_error(CLI_FAILED, "out of memory");
	memcpy(out->data, f->data, f->env.model_bytes);
	memcpy(out->data + at, m, sizeof(*m));
	return CLI_OK;
}

/* What scripts/sign-file of the kernel makes, too. NULL: see ssl_error(). */
static CMS_ContentInfo *make_cms(const struct sealed *s, EVP_PKEY *key,
				 X509 *cert, bool embed)
{
	unsigned int flags = CMS_BINARY | (embed ? 0 : CMS_NOCERTS);
	BIO *in = BIO_new_mem_buf(s->data, (int)s->bytes);
	CMS_ContentInfo *cms = NULL;

	if (in)
		cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_DETACHED |
			       CMS_STREAM | CMS_PARTIAL);
	if (cms && (!CMS_add1_signer(cms, cert, key, key_digest(key),
				     flags | CMS_NOSMIMECAP | CMS_NOATTR) ||
		    !CMS_final(cms, in, NULL, flags))) {
		CMS_ContentInfo_free(cms);
		cms = NULL;
	}
	BIO_free(in);
	return cms;
}

static int append_signature(struct sealed *s, const unsigned char *der,
			    size_t len)
{
	struct trailer t = {
		.id_type = AIM_SIG_PKCS7,
		.sig_len = { (uint8_t)(len >> 24), (uint8_t)(len >> 16),
			     (uint8_t)(len >> 8), (uint8_t)len },
	};
	size_t bytes = s->bytes + len + sizeof(t) + AIM_SIG_MARKER_LEN;
	uint8_t *data = realloc(s->data, bytes);

	if (!data)
		return cli_error(CLI_FAILED, "out of memory");
	memcpy(data + s->bytes, der, len);
	memcpy(data + s->bytes + len, &t, sizeof(t));
	memcpy(data + s->bytes + len + sizeof(t), AIM_SIG_MARKER,
	       AIM_SIG_MARKER_LEN);
	s->data = data;
	s->bytes = bytes;
	return CLI_OK;
}

int seal_sign(struct sealed *s, EVP_PKEY *key, X509 *cert, bool embed)
{
	struct verdict v = { 0 };
	unsigned char *der = NULL;
	CMS_ContentInfo *cms;
	int len, ret;

	if (embed ? key_strong_system(key, &v) : key_strong(key, &v))
		return cli_error(CLI_REFUSED, "%s", v.reason);
	ERR_clear_error();
	if (!X509_check_private_key(cert, key)) {
		ERR_clear_error();
		return cli_error(CLI_REFUSED, "the certificate is not of this private key");
	}
	cms = make_cms(s, key, cert, embed);
	len = cms ? i2d_CMS_ContentInfo(cms, &der) : -1;
	CMS_ContentInfo_free(cms);
	if (len <= 0)
		return cli_error(CLI_FAILED, "can't sign: %s", ssl_error());
	ret = len <= AIM_MAX_SIG_BYTES ? append_signature(s, der, (size_t)len) :
		cli_error(CLI_FAILED, "the signature has %d bytes, too many", len);
	OPENSSL_free(der);
	return ret;
}

void seal_free(struct sealed *s)
{
	free(s->data);
	*s = (struct sealed){ 0 };
}

/* ---- judging ------------------------------------------------------------ */

/*
 * The kernel's look into a signature decides what is one. None of libcrypto's
 * parsers sees it, so none can read it in another way; what is left for
 * libcrypto is arithmetic.
 */
static int parse_signer(const struct signed_file *f, struct aim_signer *s,
			struct verdict *v)
{
	struct aim_reason reason = { "" };
	char clean[400];
	int err;

	err = aim_signer_find(f->env.sig, f->env.sig_bytes, s, &reason);
	if (!err)
		return 0;
	return verdict_set(v, -err, "%s", text_clean(reason.text, clean,
						     sizeof(clean)));
}

/* What is in a DER element, behind tag and length; NULL if there is none. */
static const unsigned char *content_of(const unsigned char *der, int len,
				       size_t *bytes)
{
	const unsigned char *p = der;
	long n = 0;
	int tag, class;

	if (len <= 0 || ASN1_get_object(&p, &n, &tag, &class, len) & 0x80)
		return NULL;
	*bytes = (size_t)n;
	return p;
}

/* Does @der (freed) hold this? */
static bool is_content(unsigned char *der, int len, struct aim_bytes want)
{
	size_t n = 0;
	const unsigned char *p = content_of(der, len, &n);
	bool same = p && n == want.n && !memcmp(p, want.p, n);

	OPENSSL_free(der);
	return same;
}

/* By serial number and issuer, or by subject key identifier. */
static bool names_cert(const struct aim_signer *s, X509 *cert)
{
	const ASN1_OCTET_STRING *skid = X509_get0_subject_key_id(cert);
	unsigned char *serial = NULL, *issuer = NULL;
	int n, m;

	if (!s->id[1].n)
		return skid && (size_t)ASN1_STRING_length(skid) == s->id[0].n &&
			!memcmp(ASN1_STRING_get0_data(skid), s->id[0].p,
				s->id[0].n);
	n = i2d_ASN1_INTEGER(X509_get_serialNumber(cert), &serial);
	if (!is_content(serial, n, s->id[0]))
		return false;
	m = i2d_X509_NAME(X509_get_issuer_name(cert), &issuer);
	return is_content(issuer, m, s->id[1]);
}

static X509 *find_cert(const struct aim_signer *s, struct stack_st_X509 *certs)
{
	int i;

	for (i = 0; i < sk_X509_num(certs); i++)
		if (names_cert(s, sk_X509_value(certs, i)))
			return sk_X509_value(certs, i);
	return NULL;
}

static const EVP_MD *digest_of(const struct aim_signer *s)
{
	return s->digest_bits == 256 ? EVP_sha256() :
		s->digest_bits == 384 ? EVP_sha384() : EVP_sha512();
}

/* The certificate's own dates say nothing here: the kernel doesn't ask them. */
static int verify_with(const struct aim_signer *s, const struct signed_file *f,
		       X509 *cert, struct verdict *v)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int ok;

	ok = md && EVP_PKEY_is_a(key, s->ecdsa ? "EC" : "RSA") &&
		EVP_DigestVerifyInit(md, NULL, digest_of(s), NULL, key) == 1 &&
		EVP_DigestVerify(md, s->sig.p, s->sig.n, f->data,
				 f->env.signed_bytes) == 1;
	EVP_MD_CTX_free(md);
	ERR_clear_error();
	return ok ? 0 : verdict_set(v, EKEYREJECTED, "the signature does not fit: the file was changed after it was signed, or the key is another of the same name");
}

/* In which keyrings a signature's key is looked for hangs on its certificate. */
static int check_place(const struct aim_signer *s, bool system,
		       struct verdict *v)
{
	if (s->cert.n && !system)
		return verdict_set(v, EKEYREJECTED, "a certificate in the signature counts for the system's keyrings only");
	if (!s->cert.n && system)
		return verdict_set(v, ENOKEY, "for the system's keyrings the signature must carry the certificate (sign --embed-cert)");
	return 0;
}

static int judge_signature(const struct signed_file *f, struct stack_st_X509 *certs,
			   bool system, X509 **by, struct verdict *v)
{
	struct aim_signer s;
	char text[400];
	X509 *cert;

	if (!f->env.sig)
		return verdict_set(v, EKEYREJECTED, "it is not signed");
	if (parse_signer(f, &s, v) || check_place(&s, system, v))
		return v->err;
	cert = find_cert(&s, certs);
	if (!cert)
		return verdict_set(v, ENOKEY, "none of the certificates made the signature: %s",
				   signer_text(f, text, sizeof(text)));
	if ((system ? key_strong_system(X509_get0_pubkey(cert), v) :
		      key_strong(X509_get0_pubkey(cert), v)) ||
	    verify_with(&s, f, cert, v))
		return v->err;
	*by = cert;
	return 0;
}

static int judge_manifest(const struct signed_file *f, uint64_t now,
			  struct verdict *v)
{
	const struct aim_manifest *m = f->env.manifest;
	struct aim_reason reason = { "" };
	uint8_t digest[32];
	char clean[400], when[32];

	if (!m)
		return verdict_set(v, EBADMSG, "what is signed is no model: it does not end with a manifest");
	if (signed_digest(f, digest))
		return verdict_set(v, EIO, "libcrypto can't compute SHA-256");
	if (aim_manifest_check(m, f->env.model_bytes, NULL, &reason))
		return verdict_set(v, EBADMSG, "%s",
				   text_clean(reason.text, clean, sizeof(clean)));
	if (m->not_before && now < m->not_before)
		return verdict_set(v, EKEYEXPIRED, "not valid before %s",
				   time_text(m->not_before, when));
	if (m->not_after && now > m->not_after)
		return verdict_set(v, EKEYEXPIRED, "not valid after %s",
				   time_text(m->not_after, when));
	/* again as a whole, now with the digest: the order of the kernel */
	if (aim_manifest_check(m, f->env.model_bytes, digest, &reason))
		return verdict_set(v, EBADMSG, "%s",
				   text_clean(reason.text, clean, sizeof(clean)));
	return 0;
}

int envelope_judge(const struct signed_file *f, struct stack_st_X509 *certs,
		   bool system, uint64_t now, X509 **by, struct verdict *v)
{
	*v = (struct verdict){ 0 };
	*by = NULL;
	if (!sk_X509_num(certs))
		return verdict_set(v, ENOKEY, "there is no certificate to check with");
	if (judge_signature(f, certs, system, by, v))
		return v->err;
	return judge_manifest(f, now, v);
}

/* ---- for people --------------------------------------------------------- */

/* A Name from the bytes within its sequence, as one line. */
static void issuer_text(struct aim_bytes name, char *out, size_t len)
{
	int total = ASN1_object_size(1, (int)name.n, V_ASN1_SEQUENCE);
	unsigned char *der = malloc((size_t)total), *p = der;
	const unsigned char *q = der;
	X509_NAME *parsed;

	out[0] = '\0';
	if (!der)
		return;
	ASN1_put_object(&p, 1, (int)name.n, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	memcpy(p, name.p, name.n);
	parsed = d2i_X509_NAME(NULL, &q, total);
	if (parsed)
		cert_name_text(parsed, out, len);
	X509_NAME_free(parsed);
	free(der);
	ERR_clear_error();
}

const char *signer_text(const struct signed_file *f, char *out, size_t len)
{
	char name[300] = "", number[2 * 32 + 1] = "";
	struct verdict v = { 0 };
	struct aim_signer s;

	if (parse_signer(f, &s, &v)) {
		snprintf(out, len, "%s", v.reason);
		return out;
	}
	text_hex(s.id[0].p, s.id[0].n < 32 ? s.id[0].n : 32, number);
	if (s.id[1].n)
		issuer_text(s.id[1], name, sizeof(name));
	snprintf(out, len, "%s, SHA-%u, by %s%s%s%s", s.ecdsa ? "ECDSA" : "RSA",
		 s.digest_bits, name, s.id[1].n ? " serial " : "key ", number,
		 s.cert.n ? ", with its certificate" : "");
	return out;
}
