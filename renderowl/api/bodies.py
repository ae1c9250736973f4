"""JSON bodies: read against a struct with every problem at once, instead of the first one msgspec meets."""

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from litestar.dto import MsgspecDTO
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from renderowl.domain.errors import MalformedRequest, ValidationFailed
from renderowl.domain.placing import moved
from renderowl.domain.spec.fields import Spec
from renderowl.domain.spec.reading import read

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator  # named by the signature we override

T = TypeVar("T", bound=Spec)


class Body(MsgspecDTO[T]):
    """`dto=Body[SomeSpec]` makes a handler's `data` a `SomeSpec`.

    Raises MalformedRequest when the bytes are no JSON, ValidationFailed naming every wrong field otherwise.
    """

    def decode_bytes(self, value: bytes) -> T:
        try:
            document = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedRequest(f"the body is not JSON: {error}") from None
        return self.decode_builtins(document)

    def decode_builtins(self, value: Any) -> T:
        reading = read(value, self.model_type, at="")
        if reading.value is None:
            raise ValidationFailed(errors=reading.errors)
        return reading.value

    @classmethod
    def create_for_field_definition(cls, field_definition: FieldDefinition, *args: Any, **kwargs: Any) -> None:
        """Make no transfer model: the struct itself is read."""

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: "SchemaCreator"
    ) -> Reference | Schema:
        return schema_creator.for_field_definition(field_definition)


class Unread(Body[T]):
    """`dto=Unread[SomeSpec]` makes a handler's `data` the document itself: a service reads it as a `SomeSpec`.

    For bodies that take long to read whole, or with more than the body: it is known by then who is calling.
    """

    def decode_builtins(self, value: Any) -> Any:
        return value

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: "SchemaCreator"
    ) -> Reference | Schema:
        return schema_creator.for_field_definition(FieldDefinition.from_annotation(cls.model_type))


class _Held(Spec, frozen=True):
    """A document within a document, so that it is read as any other."""

    document: dict[str, Any]


class FreeBody(Body[_Held]):
    """`dto=FreeBody` makes a handler's `data` the object that was sent, whose fields are the caller's own affair.

    Raises as `Body` does; what it lets through can be stored and told again.
    """

    def decode_builtins(self, value: Any) -> Any:
        reading = read({"document": value}, _Held, at="")
        if reading.value is None:
            raise ValidationFailed(errors=moved(reading.errors, {"/document": ""}))
        return reading.value.document
