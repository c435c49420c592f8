"""NetCDF files: written in the classic format with 64-bit offsets, read in that and, by netCDF4, in NetCDF-4."""

import struct
from dataclasses import dataclass
from math import prod

import numpy as np

DIMENSION, VARIABLE, ATTRIBUTE = 10, 11, 12
CHAR, FLOAT, DOUBLE = 2, 5, 6
TYPES = {1: ">i1", 2: "S1", 3: ">i2", 4: ">i4", 5: ">f4", 6: ">f8"}
CODES = {"float32": FLOAT, "float64": DOUBLE, "int32": 4}
MOST_NAMES = 10_000


class NotNetcdf(ValueError):
    """Bytes that are no NetCDF file, or one that cannot be read here; its words say why."""


@dataclass
class Variable:
    """One variable: the names of its dimensions, its attributes, and values that can be indexed like an array."""

    dimensions: tuple
    attributes: dict
    values: object


def written(dimensions: dict, variables: dict, attributes: dict) -> bytes:
    """A classic file. dimensions: {name: length}; variables: {name: Variable}, arrays of float32, float64, int32."""
    order = {name: at for at, name in enumerate(dimensions)}
    head = b"CDF\x02" + struct.pack(">i", 0)
    listed = b"".join(named(name) + struct.pack(">i", length) for name, length in dimensions.items())
    head += struct.pack(">ii", DIMENSION, len(dimensions)) + listed + attribute_list(attributes)
    entries, contents = [], []
    for name, variable in variables.items():
        values = np.ascontiguousarray(variable.values)
        code = CODES[values.dtype.name]
        content = values.astype(TYPES[code]).tobytes()
        contents.append(content + b"\x00" * (-len(content) % 4))
        places = [order[dimension] for dimension in variable.dimensions]
        entry = named(name) + struct.pack(f">i{len(places)}i", len(places), *places)
        entries.append(entry + attribute_list(variable.attributes) + struct.pack(">i", code))
    head += struct.pack(">ii", VARIABLE, len(entries))
    offset = len(head) + sum(len(entry) + 12 for entry in entries)
    for entry, content in zip(entries, contents, strict=True):
        head += entry + struct.pack(">iq", len(content), offset)
        offset += len(content)
    return b"".join([head, *contents])


def named(name: str) -> bytes:
    """A name as the format writes it: its length, its bytes, filled up to four."""
    raw = name.encode()
    return struct.pack(">i", len(raw)) + raw + b"\x00" * (-len(raw) % 4)


def attribute_list(attributes: dict) -> bytes:
    """Attributes: texts and numbers."""
    if not attributes:
        return struct.pack(">ii", 0, 0)
    parts = [struct.pack(">ii", ATTRIBUTE, len(attributes))]
    for name, value in attributes.items():
        if isinstance(value, str):
            parts.append(named(name) + struct.pack(">i", CHAR) + named(value))
        else:
            parts.append(named(name) + struct.pack(">iif", FLOAT, 1, value))
    return b"".join(parts)


def read(content: bytes) -> dict:
    """{name: Variable} of a file. NotNetcdf when it is none."""
    if content[:3] == b"CDF" and content[3:4] in (b"\x01", b"\x02"):
        try:
            return Reader(content).variables()
        except (struct.error, ValueError, IndexError, KeyError, UnicodeDecodeError, OverflowError) as error:
            raise NotNetcdf(f"the NetCDF file is broken: {error}") from None
    if content[:4] == b"\x89HDF":
        return read_hdf(content)
    raise NotNetcdf("the file does not begin as NetCDF does")


def read_hdf(content: bytes) -> dict:
    """{name: Variable} of a NetCDF-4 file. NotNetcdf when it is none, or netCDF4 is not installed."""
    try:
        from netCDF4 import Dataset
    except ImportError:
        words = "a NetCDF-4 file needs the package netCDF4 (pip install modelarts-emulator[science]); NetCDF-3 does not"
        raise NotNetcdf(words) from None
    try:
        dataset = Dataset("memory.nc", memory=content)
    except OSError as error:
        raise NotNetcdf(f"the NetCDF file is broken: {error}") from None
    dataset.set_auto_maskandscale(False)
    found = {}
    for name, variable in dataset.variables.items():
        attributes = {key: variable.getncattr(key) for key in variable.ncattrs()}
        found[name] = Variable(variable.dimensions, attributes, variable)
    return found


class Reader:
    """The header of a classic file, read from front to back. struct.error and the like where it is broken."""

    def __init__(self, content: bytes):
        self.content = content
        self.wide = content[3] == 2
        self.at = 4
        self.records = self.number()

    def number(self, form: str = ">i") -> int:
        """The next number."""
        (value,) = struct.unpack_from(form, self.content, self.at)
        self.at += struct.calcsize(form)
        return value

    def count(self) -> int:
        """How many entries the next list has."""
        self.number()
        count = self.number()
        if not 0 <= count <= MOST_NAMES:
            raise ValueError(f"a list of {count} entries")
        return count

    def text(self) -> str:
        """The next name."""
        return self.raw(self.number()).decode()

    def raw(self, length: int) -> bytes:
        """So many bytes, and over what fills them up to four."""
        if not 0 <= length <= len(self.content) - self.at:
            raise ValueError("it ends too early")
        found = self.content[self.at : self.at + length]
        self.at += length + -length % 4
        return found

    def attributes(self) -> dict:
        """The next list of attributes."""
        found = {}
        for _ in range(self.count()):
            name, code, length = self.text(), self.number(), self.number()
            raw = self.raw(length * np.dtype(TYPES[code]).itemsize)
            if code == CHAR:
                found[name] = raw.decode("utf-8", "replace")
            else:
                values = np.frombuffer(raw, TYPES[code])
                found[name] = values[0] if len(values) == 1 else values
        return found

    def variables(self) -> dict:
        """{name: Variable} of the whole file."""
        dimensions = [(self.text(), self.number()) for _ in range(self.count())]
        self.attributes()
        headers = [self.header(dimensions) for _ in range(self.count())]
        recorded = [header for header in headers if header["recorded"]]
        stride = recorded[0]["bytes"] if len(recorded) == 1 else sum(row["padded"] for row in recorded)
        return {header["name"]: self.variable(header, stride) for header in headers}

    def header(self, dimensions: list) -> dict:
        """What the header says of the next variable."""
        name = self.text()
        length = self.number()
        if not 0 <= length <= 32:
            raise ValueError(f"{name} has {length} dimensions")
        places = [self.number() for _ in range(length)]
        if any(not 0 <= place < len(dimensions) for place in places):
            raise ValueError(f"{name} has a dimension that is not there")
        attributes, code = self.attributes(), self.number()
        self.number()
        begin = self.number(">q" if self.wide else ">i")
        shape = [dimensions[place][1] for place in places]
        recorded = bool(shape) and shape[0] == 0
        size = prod(shape[1:] if recorded else shape) * np.dtype(TYPES[code]).itemsize
        return {
            "name": name, "dimensions": tuple(dimensions[place][0] for place in places), "attributes": attributes,
            "code": code, "begin": begin, "shape": shape, "recorded": recorded, "bytes": size,
            "padded": size + -size % 4,
        }  # fmt: skip

    def variable(self, header: dict, stride: int) -> Variable:
        """A variable whose values are a view of the file."""
        shape, form = header["shape"], np.dtype(TYPES[header["code"]])
        if header["recorded"]:
            records = max(self.records, 0)
            end = header["begin"] + max(records - 1, 0) * stride + header["bytes"] if records else 0
            shape, strides = [records, *shape[1:]], [stride, *strides_of(shape[1:], form.itemsize)]
        else:
            end, strides = header["begin"] + header["bytes"], strides_of(shape, form.itemsize)
        if header["begin"] < 0 or any(length < 0 for length in shape) or end > len(self.content):
            raise ValueError(f"{header['name']} reaches beyond its end")
        offset = header["begin"] if end else 0
        values = np.ndarray(shape, form, self.content, offset, strides)
        return Variable(header["dimensions"], header["attributes"], values)


def strides_of(shape: list, size: int) -> list[int]:
    """The bytes between neighbours along each dimension."""
    return [size * prod(shape[at + 1 :]) for at in range(len(shape))]
