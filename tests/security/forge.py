# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys and model files for the attacks: one signed as it should be, and every
way we know of signing badly.

Written against module/include/aim/manifest.h alone, not with our own signing
tool: what is tested here is the kernel, and two programs that share a mistake
agree with each other. Keys are made anew in each build directory; none is kept
in the project.
"""
import hashlib
import os
import struct
import subprocess

MARKER = b"~Module signature appended~\n"
MAGIC = b"aioffload signed model manifest\0"
MANIFEST = struct.Struct("<32sIIQ32s64sQQQII64sQQ32s32s64s")
LONG_AGO = 1_000_000_000        # 2001
FAR_AHEAD = 4_000_000_000       # 2096

# name: (openssl's key type, what it is)
KEYS = {
    "good": ["rsa:3072"],               # in .aioffload
    "second": ["rsa:3072"],             # so too, blocked by one of the tests
    "evil": ["rsa:3072"],               # the attacker's own
    "weak": ["rsa:2048"],               # in .aioffload by mistake
    "cubic": ["rsa:3072", "-pkeyopt", "rsa_keygen_pubexp:3"],   # so too
    "curve": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
}


def run(*argv, data=None):
    r = subprocess.run(argv, input=data, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
    if r.returncode:
        raise RuntimeError("%s: %s" % (" ".join(argv), r.stderr.decode()))
    return r.stdout


def manifest(model, **over):
    """A manifest of this model; fields by their names in struct aim_manifest."""
    f = {"magic": MAGIC, "version": 1, "bytes": MANIFEST.size,
         "model_bytes": len(model), "model_digest": hashlib.sha256(model).digest(),
         "name": b"sec.lut", "model_version": 5, "not_before": 0,
         "not_after": FAR_AHEAD, "class_mask": 0, "flags": 0, "driver": b"",
         "max_job_ns": 0, "max_memory": 0, "provenance": bytes(32),
         "oms_root": bytes(32), "reserved": bytes(64)}
    unknown = set(over) - set(f)
    assert not unknown, unknown
    f.update(over)
    return MANIFEST.pack(*f.values())


def signed_part(model, m):
    """What a signature covers: the model, a gap of zeroes, the manifest."""
    return model + bytes(-len(model) % 8) + m


def trailer(sig_len, id_type=2, pad=b"\0\0\0"):
    """struct module_signature and the marker."""
    return struct.pack(">BBBBB3sI", 0, 0, id_type, 0, 0, pad, sig_len) + MARKER


def append(data, sig, **kw):
    return data + sig + trailer(len(sig), **kw)


class Forge:
    """Keys in keys/, models from the C side in plain/, both under home."""

    def __init__(self, home):
        self.keys = os.path.join(home, "keys")
        os.makedirs(self.keys, exist_ok=True)
        for name, kind in KEYS.items():
            self._self_signed(name, kind)
        self._leaf()
        plain = os.path.join(home, "plain")
        self.lut = self._read(plain, "lut.aim")
        self.other = self._read(plain, "other.aim")
        self.chain = self._read(plain, "chain.aim")

    @staticmethod
    def _read(*path):
        with open(os.path.join(*path), "rb") as f:
            return f.read()

    # ---- keys ----

    def key(self, name):
        return os.path.join(self.keys, name + ".key")

    def cert(self, name):
        return os.path.join(self.keys, name + ".pem")

    def _self_signed(self, name, kind):
        if os.path.exists(self.cert(name)):
            return
        run("openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-sha256",
            "-days", "3650", "-subj", "/CN=aioffload test " + name,
            "-keyout", self.key(name), "-out", self.cert(name) + ".tmp")
        os.rename(self.cert(name) + ".tmp", self.cert(name))

    def _leaf(self):
        """Certified by the good key, but nobody put it into the keyring."""
        if os.path.exists(self.cert("leaf")):
            return
        csr = run("openssl", "req", "-newkey", "rsa:3072", "-nodes", "-sha256",
                  "-subj", "/CN=aioffload test leaf", "-keyout", self.key("leaf"))
        pem = run("openssl", "x509", "-req", "-sha256", "-days", "3650",
                  "-CA", self.cert("good"), "-CAkey", self.key("good"),
                  "-set_serial", "7", data=csr)
        with open(self.cert("leaf"), "wb") as f:
            f.write(pem)

    def der(self, name):
        return run("openssl", "x509", "-in", self.cert(name), "-outform", "DER")

    def key_id(self, name):
        """SHA-256 of subjectPublicKey's bits: for RSA, the PKCS#1 key."""
        spki = run("openssl", "x509", "-in", self.cert(name), "-noout", "-pubkey")
        pkcs1 = run("openssl", "rsa", "-pubin", "-RSAPublicKey_out",
                    "-outform", "DER", data=spki)
        return hashlib.sha256(pkcs1).digest()

    # ---- signatures ----

    def sign(self, data, *signers, md="sha256", attrs=False, certs=(),
             opaque=False):
        """PKCS#7 over data. certs: names of certificates to put into it."""
        argv = ["openssl", "cms", "-sign", "-binary", "-nosmimecap",
                "-md", md, "-outform", "DER"]
        for s in signers or ("good",):
            argv += ["-signer", self.cert(s), "-inkey", self.key(s)]
        argv += [] if attrs else ["-noattr"]
        argv += ["-nodetach"] if opaque else []
        # -nocerts leaves out the signers'; -certfile ones stay.
        argv += ["-nocerts"]
        for c in certs:
            argv += ["-certfile", self.cert(c)]
        return run(*argv, data=data)

    def model(self, model=None, *signers, sig=None, **over):
        """A whole file. over: fields of the manifest; sig: how to sign."""
        data = signed_part(model or self.lut, manifest(model or self.lut, **over))
        return append(data, self.sign(data, *signers, **(sig or {})))

    # ---- the files ----

    def files(self):
        """name -> bytes. The names are those that the tests use."""
        f = {"lut": self.lut, "unsigned": self.lut}
        f.update(self._honest())
        f.update(self._keys_and_time())
        f.update(self._damaged())
        f.update(self._other_domains())
        f.update(self._pkcs7_tricks())
        f.update(self._manifests())
        return f

    def _honest(self):
        return {
            "good": self.model(),
            "good-second": self.model(None, "second"),
            "good-curve": self.model(None, "curve"),
            "good-sha512": self.model(sig={"md": "sha512"}),
            "other": self.model(self.other, name=b"sec.other"),
            "budget": self.model(max_job_ns=50_000_000),
            "roomy": self.model(self.chain, max_memory=1 << 20),
            "virtual-only": self.model(class_mask=1 << 4),
            "null-only": self.model(driver=b"aioffload_null"),
        }

    def _keys_and_time(self):
        return {
            "wrong-key": self.model(None, "evil"),
            "weak-key": self.model(None, "weak"),
            "small-exponent": self.model(None, "cubic"),
            "sha1": self.model(sig={"md": "sha1"}),
            "expired": self.model(not_after=LONG_AGO),
            "not-yet": self.model(not_before=FAR_AHEAD),
            "old": self.model(model_version=4),
            "hungry": self.model(self.chain, max_memory=64),
            "npu-only": self.model(class_mask=1 << 2),
            "other-driver": self.model(driver=b"aioffload_npu"),
        }

    def _damaged(self):
        data = signed_part(self.lut, manifest(self.lut))
        sig = self.sign(data)
        flipped = bytearray(append(data, sig))
        flipped[len(self.lut) // 2] ^= 1
        extended = bytearray(manifest(self.lut))
        at = MANIFEST.size - 64 - 32 - 32 - 16 - 64 - 8 - 8     # not_after
        struct.pack_into("<Q", extended, at, FAR_AHEAD + 1)
        return {
            "cut-end": append(data, sig)[:-1],
            "cut-signature": append(data, sig[:-16]),
            "cut-middle": append(data, sig[:len(sig) // 2]),
            "cut-to-nothing": data + trailer(0),
            "length-too-long": data + sig + trailer(len(data) + len(sig) + 1),
            "length-huge": data + sig + trailer(0xffffffff),
            "length-one-more": data + sig + trailer(len(sig) + 1),
            "padded-signature": append(data, sig + bytes(16)),
            "trailer-garbage": append(data, sig, pad=b"\0\0\1"),
            "trailer-pgp": append(data, sig, id_type=0),
            "only-trailer": trailer(0),
            "flipped": bytes(flipped),
            "edited-manifest": append(signed_part(self.lut, bytes(extended)), sig),
            "other-with-our-manifest": append(
                signed_part(self.other, manifest(self.lut)), sig),
            "appended-model": append(data + self.other, sig),
        }

    def _other_domains(self):
        data = signed_part(self.lut, manifest(self.lut))
        # As fsverity sign makes it: magic, algorithm, length, digest.
        verity = struct.pack("<8sHH32s", b"FSVerity", 1, 32,
                             hashlib.sha256(data).digest())
        module = b"\x7fELF\2\1\1" + bytes(57) + b"license=GPL\0" * 40
        whole = append(data, self.sign(data))
        return {
            # The stock sign-file over the bare model, by a trusted key
            "like-a-module": append(self.lut, self.sign(self.lut)),
            "a-module": append(module, self.sign(module)),
            "fs-verity": append(data, self.sign(verity)),
            "text": append(b"hello\n" * 100, self.sign(b"hello\n" * 100)),
            "manifest-alone": append(manifest(b""), self.sign(manifest(b""))),
            "signed-twice": append(whole, self.sign(whole)),
            "manifest-of-another": self.model(
                model_digest=hashlib.sha256(self.other).digest(),
                model_bytes=len(self.other)),
        }

    def _pkcs7_tricks(self):
        data = signed_part(self.lut, manifest(self.lut))
        return {
            "attributes": append(data, self.sign(data, attrs=True)),
            "embedded-evil": append(data, self.sign(data, "evil", certs=["evil"])),
            "embedded-leaf": append(data, self.sign(data, "leaf", certs=["leaf"])),
            "embedded-good": append(data, self.sign(data, certs=["good"])),
            "two-signers": append(data, self.sign(data, "good", "evil")),
            "two-signers-swapped": append(data, self.sign(data, "evil", "good")),
            "two-trusted": append(data, self.sign(data, "good", "second")),
            # The signature carries bytes of its own, and they are honest
            "opaque": append(signed_part(self.other, manifest(self.other)),
                             self.sign(data, opaque=True)),
            "not-pkcs7": append(data, b"\x30\x82\x01\x00" + bytes(256)),
            "deep-der": append(data, b"\x30\x80" * 2000),
            "huge-signature": append(data, self.sign(data) + bytes(70000)),
        }

    def _manifests(self):
        """Signed by the good key: a signer's slip must not hurt either."""
        return {
            "magic": self.model(magic=MAGIC[:-2] + b"!\0"),
            "version": self.model(version=2),
            "size": self.model(bytes=MANIFEST.size + 8),
            "flags": self.model(flags=1),
            "reserved": self.model(reserved=bytes(63) + b"\1"),
            "no-name": self.model(name=b""),
            "name-blank": self.model(name=b"sec lut"),
            "name-quote": self.model(name=b'sec"op=load'),
            "name-newline": self.model(name=b"sec\nres=1"),
            "name-unended": self.model(name=b"n" * 64),
            "name-tail": self.model(name=b"sec\0lut"),
            "driver-unended": self.model(driver=b"d" * 64),
            "model-bytes": self.model(model_bytes=len(self.lut) - 64),
            "model-bytes-huge": self.model(model_bytes=(1 << 64) - 8),
            "digest": self.model(model_digest=bytes(32)),
        }

    def write(self, to):
        """All files, certificates in DER, and the ids of keys, into to."""
        os.makedirs(to, exist_ok=True)
        for name, data in self.files().items():
            with open(os.path.join(to, name), "wb") as f:
                f.write(data)
        for name in list(KEYS) + ["leaf"]:
            with open(os.path.join(to, name + ".der"), "wb") as f:
                f.write(self.der(name))
        for name in ("good", "second"):
            with open(os.path.join(to, name + ".id"), "wb") as f:
                f.write(self.key_id(name))
