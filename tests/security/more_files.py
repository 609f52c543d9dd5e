# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files for c/t_policy.c beside those of forge.py: other kinds of keys and of
signatures, all of them honest, and some large ones to measure with."""
import glob
import os

import forge

KEYS = {
    "rsa4096": ["rsa:4096"],
    "curve384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "exponent3": ["rsa:3072", "-pkeyopt", "rsa_keygen_pubexp:3"],
    "firmware": ["rsa:3072"],
}
MIB = bytes(range(256)) * 4096      # no model: its way ends at the verifier


def cms(f, data, key, *options):
    return forge.run("openssl", "cms", "-sign", "-binary", "-nosmimecap",
                     "-noattr", "-outform", "DER", "-signer", f.cert(key),
                     "-inkey", f.key(key), *options, data=data)


def sign_file(f, data, key):
    """By the kernel's own tool, or None where no headers are installed."""
    tools = sorted(glob.glob("/usr/lib/linux-kbuild-*/scripts/sign-file"))
    if not tools:
        return None
    path = os.path.join(f.keys, "to-be-signed")
    with open(path, "wb") as out:
        out.write(data)
    forge.run(tools[0], "sha256", f.key(key), f.cert(key), path)
    with open(path, "rb") as signed:
        return signed.read()


def files(f):
    lut = forge.signed_part(f.lut, forge.manifest(f.lut))
    large = forge.signed_part(MIB, forge.manifest(MIB))
    out = {
        "rsa4096": forge.append(lut, cms(f, lut, "rsa4096", "-nocerts", "-md", "sha512")),
        "curve384": forge.append(lut, cms(f, lut, "curve384", "-nocerts", "-md", "sha384")),
        "curve-longer-digest": forge.append(lut, cms(f, lut, "curve", "-nocerts", "-md", "sha512")),
        "exponent3": forge.append(lut, cms(f, lut, "exponent3", "-nocerts", "-md", "sha256")),
        "key-identifier": forge.append(lut, cms(f, lut, "good", "-nocerts", "-keyid", "-md", "sha384")),
        "with-certificate": forge.append(lut, cms(f, lut, "good", "-md", "sha256")),
        "with-certificate-weak": forge.append(lut, cms(f, lut, "weak", "-md", "sha256")),
        "with-certificate-curve": forge.append(lut, cms(f, lut, "curve", "-md", "sha256")),
        "firmware": forge.append(lut, cms(f, lut, "firmware", "-md", "sha256")),
        "firmware-flipped": forge.append(lut[:-1] + bytes([lut[-1] ^ 1]), cms(f, lut, "firmware", "-md", "sha256")),
        "mib": forge.append(large, cms(f, large, "good", "-nocerts", "-md", "sha256")),
        "mib-flipped": forge.append(b"\xff" + large[1:], cms(f, large, "good", "-nocerts", "-md", "sha256")),
    }
    by_kernel = sign_file(f, lut, "good")
    if by_kernel:
        out["by-sign-file"] = by_kernel
    return out


def write(f, to):
    for name, kind in KEYS.items():
        f._self_signed(name, kind)
        with open(os.path.join(to, name + ".der"), "wb") as out:
            out.write(f.der(name))
    for name, data in files(f).items():
        with open(os.path.join(to, name), "wb") as out:
            out.write(data)
