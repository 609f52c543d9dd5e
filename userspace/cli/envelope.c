// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Signed model files: taken apart, put together, judged. What is judged here
 * is what the kernel judges, in the same order and with the same errnos
 * (module/sec/admit.c), except for what only it knows: its keyrings, what is
 * blocked, its policy.
 */
#include <errno.h>
#include <inttypes.h>
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

	if (key_strong(key, &v))
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

/* Exactly one PKCS#7 structure, of signed data that is not in it. */
static CMS_ContentInfo *parse_cms(const struct signed_file *f, struct verdict *v)
{
	const unsigned char *p = f->env.sig;
	CMS_ContentInfo *cms;
	ASN1_OCTET_STRING **content;

	ERR_clear_error();
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)f->env.sig_bytes);
	if (!cms || p != f->env.sig + f->env.sig_bytes) {
		verdict_set(v, EBADMSG, "signature: not PKCS#7, or something follows it");
		goto bad;
	}
	if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed ||
	    OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data) {
		verdict_set(v, EBADMSG, "signature: its PKCS#7 is not of plain data");
		goto bad;
	}
	content = CMS_get0_content(cms);
	if (content && *content) {
		verdict_set(v, EBADMSG, "signature: it brings its own data");
		goto bad;
	}
	if (sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) != 1) {
		verdict_set(v, EKEYREJECTED, "signature: %d signers, expected one",
			    sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)));
		goto bad;
	}
	return cms;
bad:
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return NULL;
}

static CMS_SignerInfo *only_signer(CMS_ContentInfo *cms)
{
	return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
}

static int check_algorithms(CMS_SignerInfo *si, struct verdict *v)
{
	X509_ALGOR *digest, *sig;
	int nid;

	if (CMS_signed_get_attr_count(si) > 0)
		return verdict_set(v, EKEYREJECTED, "signature: it has signed attributes, which the kernel refuses");
	CMS_SignerInfo_get0_algs(si, NULL, NULL, &digest, &sig);
	nid = OBJ_obj2nid(digest->algorithm);
	if (nid != NID_sha256 && nid != NID_sha384 && nid != NID_sha512)
		return verdict_set(v, ENOPKG, "signature: its digest is %s, SHA-256 or better is needed",
				   OBJ_nid2sn(nid));
	nid = OBJ_obj2nid(sig->algorithm);
	if (nid == NID_rsassaPss)
		return verdict_set(v, ENOPKG, "signature: RSA-PSS, which the kernel does not take");
	return 0;
}

static X509 *find_cert(CMS_SignerInfo *si, STACK_OF(X509) *certs)
{
	int i;

	for (i = 0; i < sk_X509_num(certs); i++)
		if (!CMS_SignerInfo_cert_cmp(si, sk_X509_value(certs, i)))
			return sk_X509_value(certs, i);
	return NULL;
}

/* The certificate's own dates say nothing here: the kernel doesn't ask them. */
static int verify_with(CMS_ContentInfo *cms, const struct signed_file *f,
		       X509 *cert, struct verdict *v)
{
	BIO *in = BIO_new_mem_buf(f->data, (int)f->env.signed_bytes);
	STACK_OF(X509) *one = sk_X509_new_null();
	int ok;

	ok = in && one && sk_X509_push(one, cert) &&
		CMS_verify(cms, one, NULL, in, NULL,
			   CMS_NO_SIGNER_CERT_VERIFY | CMS_NOINTERN | CMS_BINARY);
	sk_X509_free(one);
	BIO_free(in);
	ERR_clear_error();
	return ok ? 0 : verdict_set(v, EKEYREJECTED, "the signature does not fit: the file was changed after it was signed, or the key is another of the same name");
}

static int judge_signature(const struct signed_file *f, STACK_OF(X509) *certs,
			   X509 **by, struct verdict *v)
{
	char text[512];
	CMS_ContentInfo *cms;
	X509 *cert;
	int err;

	if (!f->env.sig)
		return verdict_set(v, EKEYREJECTED, "it is not signed");
	cms = parse_cms(f, v);
	if (!cms)
		return v->err;
	err = check_algorithms(only_signer(cms), v);
	cert = err ? NULL : find_cert(only_signer(cms), certs);
	if (!err && !cert)
		err = verdict_set(v, ENOKEY, "none of the certificates made the signature: %s",
				  signer_text(f, text, sizeof(text)));
	if (!err)
		err = key_strong(X509_get0_pubkey(cert), v);
	if (!err)
		err = verify_with(cms, f, cert, v);
	if (!err)
		*by = cert;
	CMS_ContentInfo_free(cms);
	return err;
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
	if (aim_manifest_check(m, f->env.model_bytes, digest, &reason))
		return verdict_set(v, EBADMSG, "%s",
				   text_clean(reason.text, clean, sizeof(clean)));
	if (m->not_before && now < m->not_before)
		return verdict_set(v, EKEYEXPIRED, "not valid before %s",
				   time_text(m->not_before, when));
	if (m->not_after && now > m->not_after)
		return verdict_set(v, EKEYEXPIRED, "not valid after %s",
				   time_text(m->not_after, when));
	return 0;
}

int envelope_judge(const struct signed_file *f, STACK_OF(X509) *certs,
		   uint64_t now, X509 **by, struct verdict *v)
{
	*v = (struct verdict){ 0 };
	*by = NULL;
	if (!sk_X509_num(certs))
		return verdict_set(v, ENOKEY, "there is no certificate to check with");
	if (judge_signature(f, certs, by, v))
		return v->err;
	return judge_manifest(f, now, v);
}

/* ---- for people --------------------------------------------------------- */

static void signer_words(CMS_SignerInfo *si, char *out, size_t len)
{
	X509_ALGOR *digest, *sig;
	ASN1_OCTET_STRING *skid = NULL;
	ASN1_INTEGER *serial = NULL;
	X509_NAME *issuer = NULL;
	char name[300] = "", number[64] = "";
	BIGNUM *n;
	char *hex;

	CMS_SignerInfo_get0_algs(si, NULL, NULL, &digest, &sig);
	CMS_SignerInfo_get0_signer_id(si, &skid, &issuer, &serial);
	if (issuer)
		cert_name_text(issuer, name, sizeof(name));
	if (serial) {
		n = ASN1_INTEGER_to_BN(serial, NULL);
		hex = n ? BN_bn2hex(n) : NULL;
		snprintf(number, sizeof(number), "%s", hex ? hex : "");
		OPENSSL_free(hex);
		BN_free(n);
	} else if (skid && ASN1_STRING_length(skid) <= 30) {
		text_hex(ASN1_STRING_get0_data(skid),
			 (size_t)ASN1_STRING_length(skid), number);
	}
	snprintf(out, len, "%s, %s, by %s%s%s",
		 OBJ_nid2sn(OBJ_obj2nid(sig->algorithm)),
		 OBJ_nid2sn(OBJ_obj2nid(digest->algorithm)),
		 name, serial ? " serial " : "key ", number);
}

const char *signer_text(const struct signed_file *f, char *out, size_t len)
{
	struct verdict v = { 0 };
	CMS_ContentInfo *cms = parse_cms(f, &v);

	if (!cms) {
		snprintf(out, len, "%s", v.reason);
		return out;
	}
	signer_words(only_signer(cms), out, len);
	CMS_ContentInfo_free(cms);
	return out;
}
