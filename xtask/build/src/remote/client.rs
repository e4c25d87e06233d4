//! Getting files from servers, and bringing them there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body, Proxy};

use super::address::Address;
use super::place::{Method, Place, S3Configuration};
use crate::error::{Error, system};
use crate::packing::sides::beside;
use crate::shell::{Progress, write_whole};

/// How long servers are waited for, and how often they are asked.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until a connection is there.
    pub connect: Duration,
    /// Until the next bytes come.
    pub stall: Duration,
    /// How often something is tried, without any byte that would be new.
    pub attempts: u32,
    /// Before the second attempt; twice as long before each further one.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            attempts: 4,
            pause: Duration::from_millis(500),
        }
    }
}

/// Why a server was of no use.
#[derive(Debug)]
pub enum Failure {
    /// Asking again would not help.
    Final(String),
    /// It did not help either, or was not tried.
    Passing(String),
    /// It is this machine that cannot.
    Local(Error),
}

impl Failure {
    /// As the error of a server.
    pub fn of(self, address: &Address) -> Error {
        match self {
            Self::Final(reason) | Self::Passing(reason) => Error::Transfer {
                address: address.to_string(),
                reason,
            },
            Self::Local(error) => error,
        }
    }
}

/// The largest file that is held in memory: lists of parts are the largest.
const MOST_SMALL_BYTES: u64 = 16 << 20;

const BUFFER_BYTES: usize = 64 << 10;

/// Added to the name of a file of which a part is there: what it is a part of.
const ORIGIN: &str = ".origin";

/// What a file that is there in part was a part of. It may have changed since.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Origin {
    address: String,
    validator: String,
}

/// A cache on a server.
#[derive(Debug)]
pub struct Remote {
    address: Address,
    place: Place,
    agent: Agent,
    patience: Patience,
}

impl Remote {
    /// At an address. Proxies are those of the environment.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(address: &Address, patience: Patience) -> Result<Self, Failure> {
        Self::with(address, patience, S3Configuration::from_environment())
    }

    /// The same with a store that the environment does not know.
    pub(super) fn with(
        address: &Address,
        patience: Patience,
        s3: S3Configuration,
    ) -> Result<Self, Failure> {
        let place = Place::new(address, s3).map_err(Failure::Final)?;
        let proxy = Proxy::try_from_env().filter(|_| !place.is_this_machine());
        let agent = Agent::config_builder()
            .proxy(proxy)
            .http_status_as_error(false)
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_recv_response(Some(patience.stall))
            .timeout_per_read(Some(patience.stall))
            .timeout_per_write(Some(patience.stall))
            .user_agent(concat!("bareflow/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self {
            address: address.clone(),
            place,
            agent,
            patience,
        })
    }

    /// A small file; `None` if it is not there.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub fn small(&self, file: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.repeatedly(|| {
            let Some(mut response) = self.ask(Method::Get, file)? else {
                return Ok(None);
            };
            let body = response.body_mut().with_config().limit(MOST_SMALL_BYTES);
            body.read_to_vec().map(Some).map_err(failure)
        })
    }

    /// The size of a file; `None` if it is not there, or the server does not say.
    ///
    /// # Errors
    /// Why that cannot be had.
    pub fn size_bytes(&self, file: &str) -> Result<Option<u64>, Failure> {
        self.repeatedly(|| {
            let response = self.ask(Method::Head, file)?;
            Ok(response.and_then(|response| {
                let length = response.headers().get(header::CONTENT_LENGTH)?;
                length.to_str().ok()?.parse().ok()
            }))
        })
    }

    /// Writes a file there.
    ///
    /// # Errors
    /// Why that is not possible.
    pub fn put(&self, file: &str, from: &Path) -> Result<(), Failure> {
        self.repeatedly(|| {
            let source = File::open(from)
                .map_err(system(format!("cannot read {}", from.display())))
                .map_err(Failure::Local)?;
            let response = self
                .agent
                .put(self.place.url(Method::Put, file))
                .header(header::CONTENT_TYPE, "application/octet-stream")
                .send(&source)
                .map_err(failure)?;
            match response.status() {
                status if status.is_success() => Ok(()),
                status => Err(refusal(status)),
            }
        })
    }

    /// Gets a file, or what is not there yet of it; says whether the server has it.
    ///
    /// # Errors
    /// Why it cannot be had. What came of it stays, and is not asked for again.
    pub fn download(&self, file: &str, to: &Path) -> Result<bool, Failure> {
        let failed = || format!("cannot write {}", to.display());
        let mut output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(to)
            .map_err(|error| Failure::Local(system(failed())(error)))?;
        let mut progress = Progress::new("download");
        let mut most = 0;
        let mut attempt = 1;
        loop {
            let result = self.download_once(file, to, &mut output, &mut progress);
            let reason = match result {
                Err(Failure::Passing(reason)) => reason,
                Ok(found) => {
                    if found {
                        progress.finish();
                        // Nothing is left to be asked for.
                        let _ = fs::remove_file(beside(to, ORIGIN));
                    }
                    return Ok(found);
                }
                other => return other,
            };
            let there = size_of(&output)?;
            if there > most {
                most = there;
                attempt = 1;
            }
            if attempt >= self.patience.attempts {
                return Err(Failure::Passing(reason));
            }
            eprintln!("warning: {}: {reason}; trying again", self.address);
            thread::sleep(self.patience.pause * (1 << (attempt - 1)));
            attempt += 1;
        }
    }

    fn download_once(
        &self,
        file: &str,
        to: &Path,
        output: &mut File,
        progress: &mut Progress,
    ) -> Result<bool, Failure> {
        let mut there = size_of(output)?;
        let address = format!("{}/{file}", self.address);
        let origin = fs::read(beside(to, ORIGIN))
            .ok()
            .and_then(|text| serde_json::from_slice::<Origin>(&text).ok())
            .filter(|origin| origin.address == address);
        let mut request = self.agent.get(self.place.url(Method::Get, file));
        match &origin {
            Some(origin) if there > 0 => {
                request = request
                    .header(header::RANGE, format!("bytes={there}-"))
                    .header(header::IF_RANGE, &origin.validator);
            }
            _ => {
                truncate(output)?;
                there = 0;
            }
        }
        let mut response = request.call().map_err(failure)?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if there > 0 && starts_at(&response, there) => {
                eprintln!("downloading {address} from byte {there} on");
            }
            StatusCode::OK => {
                eprintln!("downloading {address}");
                truncate(output)?;
                there = 0;
                let origin = validator(&response).map(|validator| Origin { address, validator });
                write_origin(to, origin.as_ref())?;
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(false),
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                truncate(output)?;
                return Err(Failure::Passing(
                    "another part than was asked for".to_owned(),
                ));
            }
            status => return Err(refusal(status)),
        }
        let total = response
            .body()
            .content_length()
            .map_or(there, |length| there + length);
        let mut body = response.body_mut().as_reader();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let count = body
                .read(&mut buffer)
                .map_err(|error| failure(ureq::Error::from(error)))?;
            if count == 0 {
                break;
            }
            output.write_all(&buffer[..count]).map_err(|error| {
                Failure::Local(system(format!("cannot write {}", to.display()))(error))
            })?;
            there += count as u64;
            progress.update(there, total);
        }
        if there < total {
            return Err(Failure::Passing(format!(
                "the connection was closed after {there} of {total} bytes"
            )));
        }
        Ok(true)
    }

    /// The answer to a question about a file; `None` if it is not there.
    fn ask(&self, method: Method, file: &str) -> Result<Option<Response<Body>>, Failure> {
        let url = self.place.url(method, file);
        let request = if method == Method::Head {
            self.agent.head(url)
        } else {
            self.agent.get(url)
        };
        let response = request.call().map_err(failure)?;
        match response.status() {
            StatusCode::OK => Ok(Some(response)),
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            status => Err(refusal(status)),
        }
    }

    fn repeatedly<T>(&self, mut what: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        let mut pause = self.patience.pause;
        for _ in 1..self.patience.attempts {
            match what() {
                Err(Failure::Passing(_)) => {}
                other => return other,
            }
            thread::sleep(pause);
            pause *= 2;
        }
        what()
    }
}

fn size_of(file: &File) -> Result<u64, Failure> {
    let metadata = file.metadata();
    metadata
        .map(|metadata| metadata.len())
        .map_err(|error| Failure::Local(error.into()))
}

fn truncate(file: &File) -> Result<(), Failure> {
    // What is written goes to the end.
    file.set_len(0)
        .map_err(|error| Failure::Local(error.into()))
}

fn write_origin(to: &Path, origin: Option<&Origin>) -> Result<(), Failure> {
    let path = beside(to, ORIGIN);
    match origin {
        Some(origin) => {
            let text = serde_json::to_vec(origin).expect("two strings are JSON");
            write_whole(&path, &text).map_err(Failure::Local)
        }
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::Local(error.into()))
            }
            _ => Ok(()),
        },
    }
}

/// What tells two states of a file on a server from each other: tags that say no more than that both would do, do not.
fn validator(response: &Response<Body>) -> Option<String> {
    let value = |name| response.headers().get(name)?.to_str().ok();
    value(header::ETAG)
        .filter(|tag| !tag.starts_with("W/"))
        .or_else(|| value(header::LAST_MODIFIED))
        .map(str::to_owned)
}

/// Whether a part begins where it was to begin.
fn starts_at(response: &Response<Body>, start: u64) -> bool {
    response
        .headers()
        .get(header::CONTENT_RANGE)
        .and_then(|range| range.to_str().ok())
        .is_some_and(|range| range.starts_with(&format!("bytes {start}-")))
}

fn refusal(status: StatusCode) -> Failure {
    let reason = format!("the server says {status}");
    let may_pass = status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
    if may_pass {
        Failure::Passing(reason)
    } else {
        Failure::Final(reason)
    }
}

fn failure(error: ureq::Error) -> Failure {
    let reason = match &error {
        ureq::Error::Timeout(what) => format!("no answer in time ({what})"),
        other => other.to_string(),
    };
    match error {
        ureq::Error::Io(_)
        | ureq::Error::Timeout(_)
        | ureq::Error::ConnectionFailed
        | ureq::Error::Protocol(_) => Failure::Passing(reason),
        _ => Failure::Final(reason),
    }
}
