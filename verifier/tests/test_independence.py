"""What makes this a second opinion: nothing but the standard library, and the documents' own example is understood."""

import ast
import sys
from pathlib import Path

import ritornello_verify
from ritornello_verify.currency import MINOR_DIGITS
from ritornello_verify.programme import read_programme

PACKAGE = Path(ritornello_verify.__file__).resolve().parent
PROGRAMME_PAGE = PACKAGE.parent.parent / "docs" / "formats" / "programme.md"


def test_only_the_standard_library_is_imported() -> None:
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                modules.append(node.module or "")
            for module in modules:
                top = module.partition(".")[0]
                assert top in sys.stdlib_module_names or top == "ritornello_verify", (path, module)


def test_the_example_of_the_programme_page() -> None:
    text = PROGRAMME_PAGE.read_text("utf-8").partition("```toml\n")[2].partition("```")[0]
    programme = read_programme(text.encode())
    fee, share = programme.incomes
    assert (fee.amount_units, fee.rate_ppm, fee.divide_by) == (1_200_000_000, None, "exposure")
    assert (share.rate_ppm, share.minimum_units, share.unattributed, share.max_error_ppm) == (300_000, 500_000_000, "exposure", 200_000)
    assert fee.lanes == share.lanes == {"master": 500_000, "publishing": 350_000, "performer": 150_000}
    assert (programme.find_threshold("EUR"), programme.find_threshold("JPY")) == (10_000_000, 10_000)


def test_minor_digits() -> None:
    assert [MINOR_DIGITS[code] for code in ("EUR", "USD", "JPY", "ISK", "KWD", "TND", "CLF", "UYW")] == [2, 2, 0, 0, 3, 3, 4, 4]
    assert "XXX" not in MINOR_DIGITS
