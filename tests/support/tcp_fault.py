"""What a TCP proxy does with the bytes that it forwards."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """The treatment of bytes. All times are seconds."""

    is_held: bool = False
    delay: float = 0.0
    drip_interval: float | None = None
    cut_at_byte: int | None = None
    answers_before_cut: int = 0
    is_cut_once: bool = False
    cut_containing: bytes = b""
