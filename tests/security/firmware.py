# SPDX-License-Identifier: LGPL-2.1-or-later
"""A firmware that knows a key: the kernel takes the certificates of its
variable db into the platform keyring, with Secure Boot or without.

OVMF keeps its variables in a flash volume: the volume's header, the store's
header, then one record behind the other; the rest is 0xff.
"""
import os
import struct
import uuid

CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"

AUTHENTICATED_STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")
SECURITY_DATABASE = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
CERT_X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
OWNER = uuid.UUID("61696f66-666c-6f61-6420-746573747321")

ADDED = 0x3f
# Kept, for boot services and for the kernel, written with a time
ATTRIBUTES = 0x27
STORE_HEADER = 28


def signature_list(der):
    return struct.pack("<16sIII16s", CERT_X509.bytes_le, 44 + len(der), 0,
                       16 + len(der), OWNER.bytes_le) + der


def record(name, vendor, data):
    text = (name + "\0").encode("utf-16le")
    when = struct.pack("<HBBBBBBIhBB", 2026, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)
    return struct.pack("<HBBIQ16sIII16s", 0x55aa, ADDED, 0, ATTRIBUTES, 0, when,
                       0, len(text), len(data), vendor.bytes_le) + text + data


def with_key(der, path):
    """Options of tools/vm run; the variables go to the file at path. Nothing
    where the firmware is not installed."""
    if not os.path.exists(VARS):
        return []
    with open(VARS, "rb") as f:
        flash = bytearray(f.read())
    store = struct.unpack_from("<H", flash, 48)[0]
    at = store + STORE_HEADER
    new = record("db", SECURITY_DATABASE, signature_list(der))
    if bytes(flash[store:store + 16]) != AUTHENTICATED_STORE.bytes_le or \
            flash[at:at + len(new)] != b"\xff" * len(new):
        raise RuntimeError(VARS + " is not as expected")
    flash[at:at + len(new)] = new
    with open(path, "wb") as f:
        f.write(flash)
    out = []
    for unit, image, how in ((0, CODE, "readonly=on"), (1, path, "snapshot=on")):
        out += ["--qemu=-drive", "--qemu=if=pflash,format=raw,unit=%d,%s,file=%s"
                % (unit, how, image)]
    return out
