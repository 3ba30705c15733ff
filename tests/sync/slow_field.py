"""GF(2^32) as a text book has it, one bit at a time: what the quick one is measured against."""

MODULUS = 1 << 32 | 0x8D


def times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = a << 1, b >> 1
        if a >> 32:
            a ^= MODULUS
    return product


def write(elements: list[int]) -> bytes:
    return b"".join(element.to_bytes(4, "little") for element in elements)


def read(wire: bytes) -> list[int]:
    return [int.from_bytes(wire[start : start + 4], "little") for start in range(0, len(wire), 4)]


def odd_power_sums(elements: list[int], count: int) -> bytes:
    sums = [0] * count
    for element in elements:
        power, square = element, times(element, element)
        for place in range(count):
            sums[place] ^= power
            power = times(power, square)
    return write(sums)


def polynomial_of(zeros: list[int]) -> bytes:
    """The coefficients of the product of all (x - zero), without the leading 1."""
    coefficients = [1]
    for zero in zeros:
        shifted = [0, *coefficients]
        scaled = [times(coefficient, zero) for coefficient in coefficients] + [0]
        coefficients = [a ^ b for a, b in zip(shifted, scaled, strict=True)]
    return write(coefficients[:-1])


def value_at(coefficients: bytes, element: int) -> int:
    value = 1
    for coefficient in reversed(read(coefficients)):
        value = times(value, element) ^ coefficient
    return value
