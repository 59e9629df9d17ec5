//! `table`: rows of the tables that a job was granted.
//!
//! An attempt sees what is committed with its own writes on top. What it is shown of a committed row is
//! remembered with its version, because a row that it read and then writes must still be as it was.

mod rows;
mod scan;

use crate::bindings::sandglass::job::table;
use crate::state::{Answer, Code, State, Stop};
use sandglass_core::Name;
use sandglass_core::grant::Access;
use std::sync::Arc;
use wasmtime::component::{Resource, ResourceTableError};

/// A table that a guest opened.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated bindings export it, within this crate")]
pub struct Opened(Arc<Table>);

struct Table {
    name: Name,
    access: Access,
}

/// What a call needs of its grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Read,
    Write,
    Both,
}

impl Opened {
    fn name(&self) -> &Name {
        &self.0.name
    }

    fn check(&self, call: &str, need: Need) -> Result<(), Stop> {
        let access = self.0.access;
        let (is_enough, needed) = match need {
            Need::Read => (access.reads(), Access::Read),
            Need::Write => (access.writes(), Access::Write),
            Need::Both => (access.reads() && access.writes(), Access::ReadWrite),
        };
        if is_enough {
            return Ok(());
        }
        Err(Stop::Tell(
            Code::Denied,
            format!(
                "{call} needs `{}` on table `{name}`, and the job's grant is `{}`: change grants.tables.{name}",
                needed.as_str(),
                access.as_str(),
                name = self.name(),
            ),
        ))
    }
}

impl table::Host for State {
    fn open(&mut self, name: String) -> Answer<Resource<Opened>> {
        self.call(name.len(), |state| state.open(&name))
    }
}

impl State {
    fn open(&mut self, name: &str) -> Result<Resource<Opened>, Stop> {
        let name: Name = name.parse().map_err(|message| Stop::Tell(Code::Invalid, message))?;
        let Some(access) = self.context.spec.grants.table(&name) else {
            let message = format!("no grant of this job covers table `{name}`: add it to grants.tables");
            return Err(Stop::Tell(Code::Denied, message));
        };
        match self.handles.push(Opened(Arc::new(Table { name, access }))) {
            Ok(handle) => Ok(handle),
            Err(ResourceTableError::Full) => {
                let most = self.context.spec.limits.handles;
                let message = format!("more than {most} resource handles held at one time (limit handles)");
                Err(Stop::Tell(Code::Quota, message))
            }
            Err(error) => Err(Stop::End(crate::verdict::Ended::new(
                sandglass_core::run::Cause::HostError,
                error.to_string(),
            ))),
        }
    }

    /// Runs a call on a table, which the guest handed `bytes`.
    fn on_table<T>(
        &mut self,
        this: &Resource<Opened>,
        bytes: usize,
        (call, need): (&str, Need),
        work: impl FnOnce(&mut State, &Name) -> Result<T, Stop>,
    ) -> Answer<T> {
        let opened = self.handles.get(this)?.clone();
        self.call(bytes, |state| {
            opened.check(call, need)?;
            work(state, opened.name())
        })
    }
}

impl table::HostTable for State {
    fn insert(&mut self, this: Resource<Opened>, fields: String, id: Option<String>) -> Answer<String> {
        let bytes = fields.len() + id.as_ref().map_or(0, String::len);
        self.on_table(&this, bytes, ("insert", Need::Write), |state, table| {
            state.insert_row(table, &fields, id.as_deref())
        })
    }

    fn get(&mut self, this: Resource<Opened>, id: String) -> Answer<Option<table::Row>> {
        self.on_table(&this, id.len(), ("get", Need::Read), |state, table| state.get_row(table, &id))
    }

    fn update(
        &mut self,
        this: Resource<Opened>,
        id: String,
        fields: String,
        if_version: Option<u64>,
    ) -> Answer<()> {
        self.on_table(&this, id.len() + fields.len(), ("update", Need::Both), |state, table| {
            state.update_row(table, &id, &fields, if_version)
        })
    }

    fn put(&mut self, this: Resource<Opened>, id: String, fields: String) -> Answer<()> {
        self.on_table(&this, id.len() + fields.len(), ("put", Need::Write), |state, table| {
            state.put_row(table, &id, &fields)
        })
    }

    fn delete(&mut self, this: Resource<Opened>, id: String, if_version: Option<u64>) -> Answer<bool> {
        self.on_table(&this, id.len(), ("delete", Need::Write), |state, table| {
            state.delete_row(table, &id, if_version)
        })
    }

    fn query(&mut self, this: Resource<Opened>, query: table::Query) -> Answer<table::Page> {
        let bytes = scan::filter_bytes(&query.filter) + query.cursor.as_ref().map_or(0, String::len);
        self.on_table(&this, bytes, ("query", Need::Read), |state, table| state.query_rows(table, &query))
    }

    fn count(&mut self, this: Resource<Opened>, filter: Vec<Vec<table::Condition>>) -> Answer<u64> {
        let bytes = scan::filter_bytes(&filter);
        self.on_table(&this, bytes, ("count", Need::Read), |state, table| state.count_rows(table, &filter))
    }

    fn delete_where(
        &mut self,
        this: Resource<Opened>,
        filter: Vec<Vec<table::Condition>>,
        limit: u32,
    ) -> Answer<u64> {
        let bytes = scan::filter_bytes(&filter);
        self.on_table(&this, bytes, ("delete-where", Need::Both), |state, table| {
            state.delete_rows(table, &filter, limit)
        })
    }

    fn drop(&mut self, this: Resource<Opened>) -> wasmtime::Result<()> {
        self.handles.delete(this)?;
        Ok(())
    }
}
