# SPDX-License-Identifier: LGPL-2.1-or-later
"""A .aim file as ONNX, for comparison with ONNX Runtime: QDQ form, unsigned
8-bit activations and signed weights (its fastest kernels), NCHW. Covers what the
benchmark's networks need and refuses the rest. No library: ONNX is protobuf, of
which writing needs little.
"""
import struct

S8, F32 = 1, 5
T_FLOAT, T_U8, T_S8, T_S32, T_S64 = 1, 2, 3, 6, 7
CONV2D, DEPTHWISE, FC, AVGPOOL, ADD = 1, 2, 3, 4, 6
PAD, RESHAPE, TRANSPOSE, MEAN, SOFTMAX, LUT8 = 10, 11, 12, 13, 14, 15
NONE = 0xffffffff


class Unsupported(Exception):
    pass


# ---- protobuf ----

def varint(v):
    v &= (1 << 64) - 1
    out = b""
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def number(field, v):
    return varint(field << 3) + varint(v)


def blob(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def attribute(name, v):
    out = blob(1, name)
    if isinstance(v, list):
        return out + b"".join(number(8, i) for i in v) + number(20, 7)
    return out + number(3, v) + number(20, 2)


def node(kind, inputs, output, **attributes):
    out = b"".join(blob(1, i) for i in inputs) + blob(2, output)
    out += blob(3, output + "/" + kind) + blob(4, kind)
    return out + b"".join(blob(5, attribute(*a)) for a in attributes.items())


def tensor(name, kind, dims, data):
    return b"".join(number(1, d) for d in dims) + number(2, kind) + \
        blob(8, name) + blob(9, data)


def value(name, kind, dims):
    shape = b"".join(blob(1, number(1, d)) for d in dims)
    return blob(1, name) + blob(2, blob(1, number(1, kind) + blob(2, shape)))


# ---- .aim ----

class Tensor:
    def __init__(self, raw):
        self.type, rank, self.place = struct.unpack_from("<BBB", raw)
        self.dims = list(struct.unpack_from("<6I", raw, 8))[:rank]
        self.offset, self.bytes = struct.unpack_from("<QQ", raw, 32)
        self.scale, self.zp, self.first, self.count = \
            struct.unpack_from("<fiII", raw, 48)


class Op:
    def __init__(self, raw, operands):
        self.code, _, ni, no, at = struct.unpack_from("<HHHHI", raw)
        self.inputs = operands[at:at + ni]
        self.output = operands[at + ni]
        self.p = struct.unpack_from("<20I", raw, 16)


class Model:
    def __init__(self, data):
        part = [struct.unpack_from("<QQ", data, 88 + 16 * i) for i in range(8)]

        def records(section, size):
            at, n = part[section]
            return [data[i:i + size] for i in range(at, at + n, size)]

        operands = [struct.unpack("<I", r)[0] for r in records(2, 4)]
        self.tensors = [Tensor(r) for r in records(0, 64)]
        self.ops = [Op(r, operands) for r in records(1, 96)]
        self.scales = [struct.unpack("<f", r)[0] for r in records(4, 4)]
        self.consts = data[part[5][0]:part[5][0] + part[5][1]]

    def data(self, t):
        return self.consts[t.offset:t.offset + t.bytes]


def macs(data):
    return struct.unpack_from("<Q", data, 48)[0]


# ---- one into the other ----

def reorder(data, dims, perm, size):
    """Transpose of a constant of rank 4"""
    strides = [0] * 4
    step = size
    for i in (3, 2, 1, 0):
        strides[i] = step
        step *= dims[i]
    d = [dims[p] for p in perm]
    s = [strides[p] for p in perm]
    return b"".join(data[o:o + size]
                    for a in range(d[0]) for b in range(d[1])
                    for c in range(d[2])
                    for o in range(a * s[0] + b * s[1] + c * s[2],
                                   a * s[0] + b * s[1] + c * s[2] + d[3] * s[3],
                                   s[3]))


class Writer:
    def __init__(self, model):
        self.m = model
        self.nodes = []
        self.inits = []
        self.real = {}		# tensor number -> float value's name
        self.pads = {}		# tensor number -> (source, before, after)

    def init(self, name, kind, dims, data):
        self.inits.append(tensor(name, kind, dims, data))
        return name

    def add(self, kind, inputs, output, **attributes):
        self.nodes.append(node(kind, inputs, output, **attributes))
        return output

    def shape(self, t):
        d = self.m.tensors[t].dims
        return [d[0], d[3], d[1], d[2]] if len(d) == 4 else d

    def quantised(self, t):
        return self.m.tensors[t].type == S8

    def params(self, t):
        d = self.m.tensors[t]
        return [self.init("s%d" % t, T_FLOAT, [], struct.pack("<f", d.scale)),
                self.init("z%d" % t, T_U8, [], bytes([d.zp + 128]))]

    def source(self, t):
        """An input of the graph"""
        if not self.quantised(t):
            self.real[t] = "q%d" % t
            return
        self.real[t] = self.add("DequantizeLinear", ["q%d" % t] + self.params(t),
                                "f%d" % t)

    def result(self, t, name):
        """@name is the float result of an operator that writes tensor @t"""
        if not self.quantised(t):
            self.real[t] = name
            return
        p = self.params(t)
        self.add("QuantizeLinear", [name] + p, "q%d" % t)
        self.real[t] = self.add("DequantizeLinear", ["q%d" % t] + p, "f%d" % t)

    def constant(self, t, dims, data, scales):
        """Weights (int8) or a bias (int32), per output channel"""
        kind = {1: T_S8, 4: T_S32, 5: T_FLOAT}[self.m.tensors[t].type]
        name = self.init("c%d" % t, kind, dims, data)
        if kind == T_FLOAT:
            return name
        zero = bytes(len(scales) * (1 if kind == T_S8 else 4))
        p = [self.init("cs%d" % t, T_FLOAT, [len(scales)],
                       struct.pack("<%df" % len(scales), *scales)),
             self.init("cz%d" % t, kind, [len(scales)], zero)]
        return self.add("DequantizeLinear", [name] + p, "d%d" % t, axis=0)

    def scales_of(self, t, channels):
        d = self.m.tensors[t]
        if d.count:
            return self.m.scales[d.first:d.first + d.count]
        return [d.scale] * channels

    def bias(self, op, x, channels):
        t = op.inputs[2]
        if t == NONE:
            return []
        by = self.m.tensors[x].scale
        scales = [by * s for s in self.scales_of(op.inputs[1], channels)]
        return [self.constant(t, [channels], self.m.data(self.m.tensors[t]), scales)]

    def clamped(self, op, name, lo, hi):
        """Saturation does it, unless the clamp is narrower than the type"""
        d = self.m.tensors[op.output]
        if d.type == F32:
            lo, hi = struct.unpack("<ff", struct.pack("<II", lo, hi))
            if lo < -3e38 and hi > 3e38:
                return name
        else:
            lo, hi = struct.unpack("<ii", struct.pack("<II", lo, hi))
            if lo <= -128 and hi >= 127:
                return name
            lo, hi = (lo - d.zp) * d.scale, (hi - d.zp) * d.scale
        limits = [self.init("%s_%s" % (name, n), T_FLOAT, [], struct.pack("<f", v))
                  for n, v in (("lo", lo), ("hi", hi))]
        return self.add("Clip", [name] + limits, name + "c")

    def conv(self, op):
        x, w = op.inputs[0], self.m.tensors[op.inputs[1]]
        sh, sw, dh, dw, pt, pb, pl, pr, _, _, lo, hi = op.p[:12]
        if x in self.pads:
            x, before, after = self.pads[x]
            pt, pl, pb, pr = pt + before[1], pl + before[2], pb + after[1], pr + after[2]
        depthwise = op.code == DEPTHWISE
        perm = [3, 0, 1, 2] if depthwise else [0, 3, 1, 2]
        channels = w.dims[3] if depthwise else w.dims[0]
        data = reorder(self.m.data(w), w.dims, perm, 1 if w.type == S8 else 4)
        weights = self.constant(op.inputs[1], [w.dims[i] for i in perm], data,
                                self.scales_of(op.inputs[1], channels))
        group = self.m.tensors[x].dims[3] if depthwise else 1
        name = self.add("Conv", [self.real[x], weights] + self.bias(op, x, channels),
                        "r%d" % op.output, group=group, strides=[sh, sw],
                        dilations=[dh, dw], kernel_shape=w.dims[1:3],
                        pads=[pt, pl, pb, pr])
        self.result(op.output, self.clamped(op, name, lo, hi))

    def fc(self, op):
        x, w = op.inputs[0], self.m.tensors[op.inputs[1]]
        d, size = self.m.tensors[x].dims, 1 if w.type == S8 else 4
        data = self.m.data(w)
        flat = self.real[x]
        if len(d) == 4:		# columns in the order of NCHW
            data = reorder(data, [w.dims[0], d[1] * d[2], d[3], 1], [0, 2, 1, 3], size)
        if len(d) != 2:
            flat = self.add("Flatten", [flat], "l%d" % op.output)
            if self.quantised(x):
                p = self.params(x)
                self.add("QuantizeLinear", [flat] + p, flat + "q")
                flat = self.add("DequantizeLinear", [flat + "q"] + p, flat + "d")
        weights = self.constant(op.inputs[1], w.dims, data,
                                self.scales_of(op.inputs[1], w.dims[0]))
        name = self.add("Gemm", [flat, weights] + self.bias(op, x, w.dims[0]),
                        "r%d" % op.output, transB=1)
        self.result(op.output, self.clamped(op, name, op.p[2], op.p[3]))

    def mean(self, op):
        d = self.m.tensors[op.inputs[0]].dims
        if (list(op.p[:2]) != d[1:3]) if op.code == AVGPOOL else op.p[0] != 6:
            raise Unsupported("a mean over a part")
        self.result(op.output, self.add("GlobalAveragePool",
                                        [self.real[op.inputs[0]]],
                                        "r%d" % op.output))

    def sum(self, op):
        name = self.add("Add", [self.real[i] for i in op.inputs], "r%d" % op.output)
        self.result(op.output, self.clamped(op, name, op.p[8], op.p[9]))

    def reshape(self, op):
        for t in (op.inputs[0], op.output):
            d = self.m.tensors[t].dims
            if len(d) == 4 and d[3] != 1 and d[1] * d[2] != 1:
                raise Unsupported("a reshape that mixes channels and pixels")
        shape = self.shape(op.output)
        to = self.init("h%d" % op.output, T_S64, [len(shape)],
                       struct.pack("<%dq" % len(shape), *shape))
        self.result(op.output, self.add("Reshape", [self.real[op.inputs[0]], to],
                                        "r%d" % op.output))

    def write(self, op):
        if op.code in (CONV2D, DEPTHWISE):
            self.conv(op)
        elif op.code == FC:
            self.fc(op)
        elif op.code in (AVGPOOL, MEAN):
            self.mean(op)
        elif op.code == ADD:
            self.sum(op)
        elif op.code == RESHAPE:
            self.reshape(op)
        elif op.code == PAD:
            self.pads[op.output] = (op.inputs[0], op.p[0:6], op.p[6:12])
        else:
            raise Unsupported("operator %d" % op.code)


def skip_first(op):
    return op.code == LUT8 or op.code == TRANSPOSE and op.p[:4] == (0, 2, 3, 1)


def convert(aim, onnx):
    with open(aim, "rb") as f:
        m = Model(f.read())
    ops = m.ops
    while ops and skip_first(ops[0]):
        ops = ops[1:]
    while ops and ops[-1].code in (LUT8, SOFTMAX):
        ops = ops[:-1]
    w = Writer(m)
    first, last = ops[0].inputs[0], ops[-1].output
    w.source(first)
    for op in ops:
        w.write(op)
    kind = T_U8 if w.quantised(first) else T_FLOAT
    out = "q%d" % last if w.quantised(last) else w.real[last]
    graph = b"".join(blob(1, n) for n in w.nodes) + blob(2, "g")
    graph += b"".join(blob(5, i) for i in unique(w.inits))
    graph += blob(11, value("q%d" % first, kind, w.shape(first)))
    graph += blob(12, value(out, T_U8 if w.quantised(last) else T_FLOAT,
                            w.shape(last)))
    with open(onnx, "wb") as f:
        f.write(number(1, 8) + blob(2, "aioffload bench") + blob(7, graph) +
                blob(8, blob(1, "") + number(2, 17)))


def unique(blobs):
    return list(dict.fromkeys(blobs))
