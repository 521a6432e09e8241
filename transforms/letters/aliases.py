"""Families that the web takes for granted, and the open ones that stand in for them; which package brings what."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .faces import folded

# The first that is installed is taken. Those before the bar have the same widths as what they stand for, so that lines
# end where they should; those behind it only look alike.
_SANS = "Liberation Sans, Arimo, Nimbus Sans | Aileron"
_SERIF = "Liberation Serif, Tinos, Nimbus Roman, STIXGeneral"
_MONO = "Liberation Mono, Cousine, Nimbus Mono PS | DejaVu Sans Mono"
_WIDE = "| DejaVu Sans"
_STAND_INS = {
    "Arial": _SANS, "Helvetica": _SANS, "Helvetica Neue": _SANS, "Arial MT": _SANS, "sans-serif": _SANS,
    "system-ui": _SANS, "Arial Narrow": "Liberation Sans Narrow, Nimbus Sans Narrow",
    "Arial Black": "| Lato Black, Roboto Black",
    "Times New Roman": _SERIF, "Times": _SERIF, "serif": _SERIF,
    "Courier New": _MONO, "Courier": _MONO, "monospace": _MONO,
    "Verdana": _WIDE, "Lucida Grande": _WIDE, "Lucida Sans Unicode": _WIDE, "Lucida Sans": _WIDE, "Geneva": _WIDE,
    "Bitstream Vera Sans": "DejaVu Sans", "Bitstream Vera Serif": "DejaVu Serif",
    "Tahoma": "| DejaVu Sans Condensed, DejaVu Sans",
    "Trebuchet MS": "| Fira Sans, Open Sans, DejaVu Sans Condensed, DejaVu Sans",
    "Segoe UI": "Selawik | Open Sans, DejaVu Sans",
    "Georgia": "Gelasio | DejaVu Serif",
    "Consolas": "Inconsolata | DejaVu Sans Mono", "Monaco": "| DejaVu Sans Mono", "Menlo": "DejaVu Sans Mono",
    "Lucida Console": "| DejaVu Sans Mono", "Andale Mono": "| DejaVu Sans Mono",
    "Calibri": "Carlito", "Cambria": "Caladea", "Comic Sans MS": "| Comic Neue", "Comic Sans": "| Comic Neue",
    "cursive": "| Comic Neue", "Impact": "| Anton, Oswald",
    "Palatino": "P052, TeX Gyre Pagella", "Palatino Linotype": "P052, TeX Gyre Pagella",
    "Book Antiqua": "P052, TeX Gyre Pagella", "Bookman Old Style": "Bookman URW, TeX Gyre Bonum",
    "Century Schoolbook": "C059, TeX Gyre Schola", "Century Gothic": "URW Gothic, TeX Gyre Adventor",
    "Garamond": "| EB Garamond",
}  # fmt: skip

STAND_INS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {folded(name): tuple(part.strip() for part in listed.replace("|", ",").split(",") if part.strip())
     for name, listed in _STAND_INS.items()}
)  # fmt: skip
"""By the folded name of a family: what is drawn in its place, the best first."""

NAMES: tuple[str, ...] = tuple(_STAND_INS)

_LIBERATION = "fonts-liberation2"
PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        folded(name): package
        for name, package in {
            "Liberation Sans": _LIBERATION, "Liberation Serif": _LIBERATION, "Liberation Mono": _LIBERATION,
            "Liberation Sans Narrow": "fonts-liberation", "DejaVu Sans": "fonts-dejavu-core",
            "DejaVu Serif": "fonts-dejavu-core", "DejaVu Sans Mono": "fonts-dejavu-core",
            "DejaVu Sans Condensed": "fonts-dejavu-extra", "Carlito": "fonts-crosextra-carlito",
            "Caladea": "fonts-crosextra-caladea", "Comic Neue": "fonts-comic-neue", "EB Garamond": "fonts-ebgaramond",
            "P052": "fonts-urw-base35", "C059": "fonts-urw-base35", "Bookman URW": "fonts-urw-base35",
            "URW Gothic": "fonts-urw-base35", "Oswald": "", "Open Sans": "fonts-open-sans",
            "Roboto": "fonts-roboto-unhinted", "Roboto Condensed": "fonts-roboto-unhinted",
            "Roboto Slab": "fonts-roboto-slab", "Lato": "fonts-lato", "Lato Black": "fonts-lato",
            "Noto Sans": "fonts-noto-core", "Noto Serif": "fonts-noto-core", "Noto Sans CJK JP": "fonts-noto-cjk",
            "Noto Sans CJK SC": "fonts-noto-cjk", "Noto Sans CJK KR": "fonts-noto-cjk", "Inter": "fonts-inter",
            "Noto Color Emoji": "fonts-noto-color-emoji", "Fira Sans": "", "Cantarell": "fonts-cantarell",
            "Ubuntu": "fonts-ubuntu", "Inconsolata": "fonts-inconsolata", "Lobster": "fonts-lobster",
            "Montserrat": "", "Playfair Display": "", "Gelasio": "",
            "Poppins": "", "Raleway": "", "Merriweather": "", "Nunito": "", "PT Sans": "", "PT Serif": "",
            "Source Sans Pro": "", "Source Sans 3": "", "Oxygen": "", "Anton": "", "Bebas Neue": "", "Pacifico": "",
            "Dancing Script": "", "Quicksand": "fonts-quicksand", "Work Sans": "", "Rubik": "", "Mulish": "",
        }.items()
    }
)  # fmt: skip
"""Debian's package of a family by its folded name; "" where a family is known, but none is sure to have it."""
