"""A message against a schema that the user brought: DDEX's own may not be shipped. Nothing is fetched: imports are looked for beside the schema."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import etree

from ritornello.domain.errors import BadInput, Problem

MAX_SHOWN = 200


class _Beside(etree.Resolver):  # type: ignore[misc]
    """Finds imported schemas by their file name in the schema's folder, whatever address they are named by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:
        name = Path(unquote(urlsplit(system_url or "").path)).name
        path = self.folder / name
        return self.resolve_filename(str(path), context) if name and path.is_file() else self.resolve_string("<missing/>", context)


class Schema:
    """A schema, read once."""

    def __init__(self, path: Path) -> None:
        """Raises BadInput when it can't be read, or names a file that isn't beside it."""
        parser = _parser()
        parser.resolvers.add(_Beside(path.parent))
        try:
            self._schema = etree.XMLSchema(etree.parse(str(path), parser))
        except (etree.XMLSyntaxError, etree.XMLSchemaParseError, OSError) as error:
            todo = "bring the message's own schema, with the files that it imports in the same folder"
            raise BadInput([Problem(path.name, None, None, f"is no XML schema that can be used: {str(error)[:300]}", todo)]) from None

    def check(self, data: bytes, file: str) -> list[Problem]:
        """What is not as the schema says; `data` was read by our own reader before, which refuses document types."""
        try:
            document = etree.fromstring(data, _parser())
        except etree.XMLSyntaxError as error:
            return [Problem(file, None, None, f"is not well-formed XML: {str(error)[:200]}", "ask the sender for the message again")]
        self._schema.validate(document)
        todo = "ask the sender for a message that is valid"
        return [Problem(file, entry.line, "schema", entry.message[:300], todo) for entry in self._schema.error_log][:MAX_SHOWN]


def _parser() -> Any:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False)
