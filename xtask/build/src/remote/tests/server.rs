//! A small HTTP server that keeps files in memory.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::llvm::inputs::hexadecimal;

/// What the server does wrong.
#[derive(Clone, Debug, Default)]
pub struct Behaviour {
    /// It answers so many requests with an error first.
    pub failures: usize,
    /// Of an answer, it sends so many bytes at most.
    pub cut: Option<usize>,
    /// It does that so often; 0 is always.
    pub cuts: usize,
    /// And then keeps the connection instead of closing it.
    pub hanging: bool,
    /// It always sends the whole.
    pub no_ranges: bool,
    /// It takes a file for another one each time that it is asked for.
    pub changing_tags: bool,
    /// It waits so long after each 16 KiB.
    pub slow: Option<Duration>,
    /// It takes no files.
    pub read_only: bool,
    /// It answers only who signs with this.
    pub secret: Option<&'static str>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    requests: Vec<String>,
    sent: u64,
    cuts: usize,
}

/// The server. It ends with the process.
#[derive(Debug)]
pub struct Server {
    /// Where it is.
    pub address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, behaviour) = (Arc::clone(&shared), behaviour.clone());
                // Who asks may hang up when it likes.
                thread::spawn(move || drop(answer(stream, &state, &behaviour)));
            }
        });
        Self { address, state }
    }

    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        self.state
            .lock()
            .unwrap()
            .files
            .insert(name.to_owned(), bytes);
    }

    pub fn get(&self, name: &str) -> Vec<u8> {
        let state = self.state.lock().unwrap();
        let found = state.files.get(name);
        found
            .unwrap_or_else(|| panic!("{name} is not in {:?}", state.files.keys()))
            .clone()
    }

    pub fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.state.lock().unwrap().files.get_mut(name).unwrap());
    }

    /// What it was asked: the heads of the requests, in lower case.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// How many bytes of files it has sent.
    pub fn sent(&self) -> u64 {
        self.state.lock().unwrap().sent
    }
}

fn answer(
    mut stream: TcpStream,
    state: &Mutex<State>,
    behaviour: &Behaviour,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let name = path.trim_start_matches('/').to_owned();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    };
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body)?;

    let (number, file) = {
        let mut state = state.lock().unwrap();
        state.requests.push(head.to_lowercase());
        (state.requests.len(), state.files.get(&name).cloned())
    };
    let mut respond = |status: &str, headers: &str, length: usize| {
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes())
    };
    if number <= behaviour.failures {
        return respond("500 Internal Server Error", "", 0);
    }
    if let Some(secret) = behaviour.secret
        && !is_signed(method, path, query, &header("host").unwrap(), secret)
    {
        return respond("403 Forbidden", "", 0);
    }
    if method == "PUT" {
        if behaviour.read_only {
            return respond("403 Forbidden", "", 0);
        }
        state.lock().unwrap().files.insert(name, body);
        return respond("201 Created", "", 0);
    }
    let Some(file) = file else {
        return respond("404 Not Found", "", 0);
    };
    let mut tag = format!("\"{}\"", hexadecimal(&Sha256::digest(&file)));
    if behaviour.changing_tags {
        let _ = write!(tag, "\"{number}\"");
    }
    let start = header("range")
        .filter(|_| !behaviour.no_ranges && header("if-range").as_ref() == Some(&tag))
        .map(|range| {
            let start = range.strip_prefix("bytes=").unwrap();
            start.strip_suffix('-').unwrap().parse::<usize>().unwrap()
        });
    let part = &file[start.unwrap_or(0).min(file.len())..];
    let mut headers = format!("etag: {tag}\r\n");
    let status = match start {
        None => "200 OK",
        Some(start) if start >= file.len() => {
            return respond("416 Range Not Satisfiable", "", 0);
        }
        Some(start) => {
            let (last, size) = (file.len() - 1, file.len());
            let _ = write!(headers, "content-range: bytes {start}-{last}/{size}\r\n");
            "206 Partial Content"
        }
    };
    let is_cut = {
        let mut state = state.lock().unwrap();
        let is_cut = behaviour.cut.is_some_and(|most| part.len() > most)
            && (behaviour.cuts == 0 || state.cuts < behaviour.cuts);
        state.cuts += usize::from(is_cut);
        is_cut
    };
    let sent = &part[..behaviour.cut.filter(|_| is_cut).unwrap_or(part.len())];
    if sent.is_empty() && is_cut {
        // Not even a head.
        thread::sleep(Duration::from_secs(20));
        return Ok(());
    }
    respond(status, &headers, part.len())?;
    if method == "HEAD" {
        return Ok(());
    }
    for chunk in sent.chunks(16 << 10) {
        stream.write_all(chunk)?;
        state.lock().unwrap().sent += chunk.len() as u64;
        thread::sleep(behaviour.slow.unwrap_or_default());
    }
    if is_cut && behaviour.hanging {
        thread::sleep(Duration::from_secs(20));
    }
    Ok(())
}

/// Whether a request has a signature in its address that fits, by version 4 of the signatures of S3.
fn is_signed(method: &str, path: &str, query: &str, host: &str, secret: &str) -> bool {
    let mut fields: Vec<(&str, &str)> = query
        .split('&')
        .filter_map(|field| field.split_once('='))
        .collect();
    let Some(index) = fields
        .iter()
        .position(|(name, _)| *name == "X-Amz-Signature")
    else {
        return false;
    };
    let (_, signature) = fields.remove(index);
    fields.sort_unstable();
    let value = |wanted: &str| {
        fields
            .iter()
            .find(|(name, _)| *name == wanted)
            .map_or("", |(_, value)| value)
    };
    let query: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = format!(
        "{method}\n{path}\n{}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD",
        query.join("&")
    );
    let scope = value("X-Amz-Credential").replace("%2F", "/");
    let (_, scope) = scope.split_once('/').unwrap();
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        value("X-Amz-Date"),
        hexadecimal(&Sha256::digest(&request))
    );
    let key = scope
        .split('/')
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| {
            hmac(&key, part)
        });
    hexadecimal(&hmac(&key, &text)) == signature
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
