//! The addresses of the files of a cache.

use std::env;
use std::time::Duration;

use rusty_s3::actions::{GetObject, HeadObject, PutObject, S3Action};
use rusty_s3::{Bucket, Credentials, UrlStyle};
use ureq::http::Uri;

use super::address::Address;

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Its bytes are asked for.
    Get,
    /// Whether it is there, and how large.
    Head,
    /// It is written.
    Put,
}

/// How long a signed address can be used: transfers that last longer ask for a new one where they go on.
const SIGNATURE_LIFE: Duration = Duration::from_secs(3600);

/// The region of stores that have none.
const DEFAULT_REGION: &str = "us-east-1";

/// A cache that is reached by HTTP.
#[derive(Debug)]
pub enum Place {
    /// A folder of a server.
    Http(String),
    /// A bucket.
    S3 {
        bucket: Box<Bucket>,
        prefix: String,
        credentials: Option<Credentials>,
    },
}

/// What of an S3-compatible store is not in the address.
#[derive(Clone, Debug, Default)]
pub struct S3Configuration {
    /// Where it is, if it is not Amazon's.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// Who asks; nobody in particular, if there are none.
    pub credentials: Option<Credentials>,
}

impl S3Configuration {
    /// From the variables that other programs for such stores read too.
    pub fn from_environment() -> Self {
        let first = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
        };
        Self {
            endpoint: first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
            region: first(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
            credentials: Credentials::from_env(),
        }
    }
}

impl Place {
    /// Of an address that is no folder.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn new(address: &Address, s3: S3Configuration) -> Result<Self, String> {
        let (bucket, prefix) = match address {
            Address::Folder(path) => return Err(format!("{} is no server", path.display())),
            Address::Http(base) => return Ok(Self::Http(base.clone())),
            Address::S3 { bucket, prefix } => (bucket.clone(), prefix.clone()),
        };
        let region = s3.region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
        // Names with dots match no certificate of Amazon's as a part of the host.
        let (endpoint, style) = match s3.endpoint {
            Some(endpoint) => (endpoint, UrlStyle::Path),
            None if bucket.contains('.') => {
                (format!("https://s3.{region}.amazonaws.com"), UrlStyle::Path)
            }
            None => (
                format!("https://s3.{region}.amazonaws.com"),
                UrlStyle::VirtualHost,
            ),
        };
        let url = endpoint
            .parse()
            .map_err(|error| format!("the endpoint {endpoint} is no address: {error}"))?;
        let bucket = Bucket::new(url, style, bucket, region)
            .map_err(|error| format!("the endpoint {endpoint} cannot be used: {error}"))?;
        Ok(Self::S3 {
            bucket: Box::new(bucket),
            prefix,
            credentials: s3.credentials,
        })
    }

    /// Whether no proxy would reach it.
    pub fn is_this_machine(&self) -> bool {
        let url: Option<Uri> = self.url(Method::Get, "").parse().ok();
        url.as_ref()
            .and_then(Uri::host)
            .is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host))
    }

    /// The address under which something is done with a file.
    pub fn url(&self, method: Method, file: &str) -> String {
        let (bucket, prefix, credentials) = match self {
            Self::Http(base) => return format!("{base}/{file}"),
            Self::S3 {
                bucket,
                prefix,
                credentials,
            } => (bucket, prefix, credentials.as_ref()),
        };
        let object = if prefix.is_empty() {
            file.to_owned()
        } else {
            format!("{prefix}/{file}")
        };
        match method {
            Method::Get => GetObject::new(bucket, credentials, &object).sign(SIGNATURE_LIFE),
            Method::Head => HeadObject::new(bucket, credentials, &object).sign(SIGNATURE_LIFE),
            Method::Put => PutObject::new(bucket, credentials, &object).sign(SIGNATURE_LIFE),
        }
        .into()
    }
}
