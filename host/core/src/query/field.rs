//! What a condition or an order looks at: a member of a row's object, or one of the row's own four values.

use super::key::Writer;
use super::value::{Moment, Number};
use crate::row::Row;
use serde_json::Value;

/// Names a value of a row. A member is one of the row's object itself: there are no paths into it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    Id,
    Version,
    CreatedAt,
    UpdatedAt,
    Member(Box<str>),
}

impl Field {
    /// Any text names a member, but for the four, which are read with `-` and with `_`.
    pub fn new(name: &str) -> Field {
        match name {
            "id" => Field::Id,
            "version" => Field::Version,
            "created-at" | "created_at" => Field::CreatedAt,
            "updated-at" | "updated_at" => Field::UpdatedAt,
            _ => Field::Member(name.into()),
        }
    }

    /// The name as a guest writes it.
    pub fn name(&self) -> &str {
        match self {
            Field::Id => "id",
            Field::Version => "version",
            Field::CreatedAt => "created-at",
            Field::UpdatedAt => "updated-at",
            Field::Member(name) => name,
        }
    }

    /// Writes the field's value in `row` as a key.
    pub(crate) fn write(&self, row: &Row, writer: &mut Writer) {
        match self.of(row) {
            Some(subject) => subject.write(writer),
            None => writer.missing(),
        }
    }

    /// The field's value in `row`; none for a member that is not there.
    pub(super) fn of<'a>(&self, row: &'a Row) -> Option<Subject<'a>> {
        Some(match self {
            Field::Id => Subject::Id(row.id.as_str()),
            Field::Version => Subject::Version(row.version.into()),
            Field::CreatedAt => Subject::Time(row.created_at.into()),
            Field::UpdatedAt => Subject::Time(row.updated_at.into()),
            Field::Member(name) => Subject::Member(row.fields.get(&**name)?),
        })
    }
}

/// A row's value, as it compares.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'a> {
    /// By bytes, though it may look like an instant.
    Id(&'a str),
    Version(Number),
    Time(Moment),
    Member(&'a Value),
}

impl Subject<'_> {
    pub(super) fn write(self, writer: &mut Writer) {
        match self {
            Subject::Id(id) => writer.text(id),
            Subject::Version(version) => writer.number(version),
            Subject::Time(moment) => writer.moment(moment),
            Subject::Member(value) => writer.value(value),
        }
    }
}
