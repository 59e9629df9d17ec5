//! A name server that answers as each test says, and changes its mind.

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA, CNAME};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use sandglass_outbound::Resolver;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// What is told of a name.
#[derive(Clone)]
pub(crate) enum Told {
    /// These addresses, each under the type of its family.
    Addresses(Vec<IpAddr>),
    /// Another name, without what that one leads to.
    Alias(&'static str),
    Nothing,
    /// No answer at all.
    Silence,
}

pub(crate) struct NameServer {
    address: SocketAddr,
    queries: Arc<Mutex<HashMap<String, usize>>>,
    task: JoinHandle<()>,
}

pub(crate) fn addresses(list: &[&str]) -> Told {
    Told::Addresses(list.iter().map(|text| text.parse().unwrap()).collect())
}

impl NameServer {
    /// `told` gets a name in lower case without its last dot, and how often this type of it was asked for before.
    pub(crate) async fn new(told: impl Fn(&str, usize) -> Told + Send + Sync + 'static) -> NameServer {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let queries = Arc::new(Mutex::new(HashMap::new()));
        let counts = queries.clone();
        let task = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                let Ok(query) = Message::from_vec(&buffer[..length]) else { continue };
                if let Some(answer) = answer(&query, &counts, &told) {
                    socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
                }
            }
        });
        NameServer { address, queries, task }
    }

    pub(crate) fn resolver(&self) -> Resolver {
        Resolver::server(self.address)
    }

    /// How often addresses of this name were asked for, both types together.
    pub(crate) fn queries(&self, name: &str) -> usize {
        let counts = self.queries.lock().unwrap();
        [RecordType::A, RecordType::AAAA].iter().filter_map(|kind| counts.get(&key(name, *kind))).sum()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn key(name: &str, kind: RecordType) -> String {
    format!("{name} {kind}")
}

fn answer(
    query: &Message,
    counts: &Mutex<HashMap<String, usize>>,
    told: &impl Fn(&str, usize) -> Told,
) -> Option<Message> {
    let question = query.queries.first()?.clone();
    let (name, kind) = (question.name().clone(), question.query_type());
    let text = name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
    let before = {
        let mut counts = counts.lock().unwrap();
        let count = counts.entry(key(&text, kind)).or_insert(0);
        *count += 1;
        *count - 1
    };
    let mut answer = Message::response(query.id, query.op_code);
    answer.metadata.message_type = MessageType::Response;
    answer.metadata.recursion_desired = true;
    answer.metadata.recursion_available = true;
    answer.add_query(question);
    let data = match told(&text, before) {
        Told::Silence => return None,
        Told::Nothing => {
            answer.metadata.response_code = ResponseCode::NXDomain;
            Vec::new()
        }
        Told::Alias(target) => vec![RData::CNAME(CNAME(Name::from_ascii(target).unwrap()))],
        Told::Addresses(list) => list.into_iter().filter_map(|address| record(address, kind)).collect(),
    };
    for data in data {
        answer.add_answer(Record::from_rdata(name.clone(), 0, data));
    }
    Some(answer)
}

fn record(address: IpAddr, kind: RecordType) -> Option<RData> {
    match (address, kind) {
        (IpAddr::V4(address), RecordType::A) => Some(RData::A(A(address))),
        (IpAddr::V6(address), RecordType::AAAA) => Some(RData::AAAA(AAAA(address))),
        _ => None,
    }
}
