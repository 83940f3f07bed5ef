"""The options of the confidentiality profile that are offered: their names, codes, meanings and columns in the table."""

from collections.abc import Collection

BASIC = ("113100", "Basic Application Confidentiality Profile")
# Name of the option: its code and meaning (PS3.16, CID 7050), and its column in the table.
OPTIONS: dict[str, tuple[str, str, str | None]] = {
    "clean-pixel-data": ("113101", "Clean Pixel Data Option", None),
    "clean-graphics": ("113103", "Clean Graphics Option", "graphics"),
    "clean-structured-content": ("113104", "Clean Structured Content Option", "structured"),
    "clean-descriptors": ("113105", "Clean Descriptors Option", "descriptors"),
    "full-dates": ("113106", "Retain Longitudinal Temporal Information Full Dates Option", "full_dates"),
    "modified-dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option", "modified_dates"),
    "patient-characteristics": ("113108", "Retain Patient Characteristics Option", "patient"),
    "device-identity": ("113109", "Retain Device Identity Option", "device"),
    "uids": ("113110", "Retain UIDs Option", "uids"),
    "safe-private": ("113111", "Retain Safe Private Option", None),
    "institution": ("113112", "Retain Institution Identity Option", "institution"),
}
# Faces stay in head scans: a rule that removed them well enough would be a model of its own.
NOT_OFFERED = ("113102", "Clean Recognizable Visual Features Option")


def codes(options: Collection[str]) -> list[tuple[str, str]]:
    """Code and meaning of the profile and of each option, in the order of their numbers."""
    return [BASIC, *sorted(OPTIONS[name][:2] for name in options)]
