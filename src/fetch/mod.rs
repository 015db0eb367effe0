//! The only code that opens connections to addresses that callers name: installers' packages and their repositories.
//! It knows the settings, and neither the database, the plugins folder nor HTTP's other side.
//!
//! What keeps it from being a way into the server's own network: a name is resolved once, every address that it stands
//! for must be permitted, and the connection goes to these very addresses; each redirect is a new address and checked as
//! one; no proxy of the environment is used, because it would resolve names again.

mod address;
mod github;

use std::{io, net::SocketAddr, time::Duration};

use futures_util::future::BoxFuture;
use reqwest::{Client, Response, StatusCode, header, redirect};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use self::address::Rules;
pub use self::github::{Repository, RepositoryRelease};
use crate::{
    error::{Error, Result, Step},
    settings::Settings,
};

const MAX_REDIRECTS: usize = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other side may be silent.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer about releases.
const MAX_JSON: usize = 4 * 1024 * 1024;

/// From a name and a port to addresses.
type Lookup = Box<dyn Fn(String, u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

pub struct Fetcher {
    rules: Rules,
    /// Where releases of repositories are asked for.
    api: Url,
    /// For one archive or one question, from the first connection to the last byte.
    timeout: Duration,
    lookup: Lookup,
}

/// What an address stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A repository whose releases have archives.
    Repository(Repository),
    /// An archive itself.
    Archive(Url),
}

impl Fetcher {
    pub fn new(settings: &Settings) -> Result<Self> {
        let api = Url::parse(settings.github_api.as_str()).map_err(|e| Error::Setup(format!("setting github_api is no address: {e}")))?;
        let rules = Rules { http: settings.fetch_http, allowed: settings.fetch_allowed_networks.clone() };
        let lookup: Lookup =
            Box::new(|host, port| Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), port)).await?.collect()) }));
        Ok(Self { rules, api, timeout: settings.fetch_timeout, lookup })
    }

    /// What the address stands for; nothing is asked yet.
    ///
    /// # Errors
    /// [`Error::SourceRefused`] at [`Step::UrlParsing`].
    pub fn source(&self, address: &str) -> Result<Source> {
        let refused = |message: String| Error::SourceRefused { step: Step::UrlParsing, message };
        let url = self.rules.parse(address).map_err(refused)?;
        Ok(Repository::at(&url, &self.api).map_or(Source::Archive(url), Source::Repository))
    }

    /// Passes the archive at this address on, piece by piece.
    ///
    /// # Errors
    /// [`Error::SourceRefused`] and [`Error::SourceFailed`] at [`Step::DownloadAndExtract`], the latter also above `limit`
    /// bytes; what `take` fails with.
    pub async fn download(&self, url: Url, limit: u64, mut take: impl AsyncFnMut(&[u8]) -> Result<()>) -> Result<()> {
        let step = Step::DownloadAndExtract;
        let too_large = || failed(step, format!("the archive has more than {limit} bytes, which is the limit"));
        self.in_time(step, async {
            let mut response = self.open(url, "*/*", step).await?.ok_or_else(|| failed(step, "there is no such archive".to_owned()))?;
            if response.content_length().is_some_and(|length| length > limit) {
                return Err(too_large());
            }
            let mut received = 0_u64;
            while let Some(piece) = response.chunk().await.map_err(|e| failed(step, format!("the download ended early: {}", reason(e))))? {
                received = received.saturating_add(piece.len() as u64);
                if received > limit {
                    return Err(too_large());
                }
                take(&piece).await?;
            }
            Ok(())
        })
        .await
    }

    /// A JSON document; none when there is nothing at this address.
    async fn json<T: DeserializeOwned>(&self, url: Url, step: Step) -> Result<Option<T>> {
        self.in_time(step, async {
            let Some(mut response) = self.open(url, "application/json", step).await? else { return Ok(None) };
            let mut body = Vec::new();
            while let Some(piece) = response.chunk().await.map_err(|e| failed(step, format!("the answer ended early: {}", reason(e))))? {
                body.extend_from_slice(&piece);
                if body.len() > MAX_JSON {
                    return Err(failed(step, "the answer about releases is too large".to_owned()));
                }
            }
            serde_json::from_slice(&body).map(Some).map_err(|e| failed(step, format!("the answer about releases is not understood: {e}")))
        })
        .await
    }

    async fn in_time<T>(&self, step: Step, work: impl Future<Output = Result<T>>) -> Result<T> {
        let out_of_time = |_| failed(step, format!("it took longer than {}", humantime::format_duration(self.timeout)));
        tokio::time::timeout(self.timeout, work).await.map_err(out_of_time)?
    }

    /// The answer to a GET, redirects followed; none for 404 and 410.
    async fn open(&self, mut url: Url, accept: &'static str, step: Step) -> Result<Option<Response>> {
        for _ in 0..=MAX_REDIRECTS {
            let client = self.client(&url, step).await?;
            let asked = client.get(url.clone()).header(header::ACCEPT, accept).send().await;
            let response = asked.map_err(|e| failed(step, format!("{} cannot be reached: {}", host(&url), reason(e))))?;
            match response.status() {
                status if status.is_success() => return Ok(Some(response)),
                StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
                status if status.is_redirection() => {
                    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
                    let next = location.and_then(|location| url.join(location).ok());
                    url = next.ok_or_else(|| failed(step, format!("{} redirects to nowhere", host(&url))))?;
                }
                status => return Err(failed(step, format!("{} answered {status}", host(&url)))),
            }
        }
        Err(failed(step, format!("{} redirects more than {MAX_REDIRECTS} times", host(&url))))
    }

    /// A client for this one address: connected to nothing but what its host was resolved to, if all of that is permitted.
    async fn client(&self, url: &Url, step: Step) -> Result<Client> {
        let refused = |message: String| Error::SourceRefused { step, message };
        self.rules.check(url).map_err(refused)?;
        let mut builder = Client::builder()
            .user_agent(concat!("plugyard/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT);
        if let Some(Host::Domain(name)) = url.host() {
            let found = (self.lookup)(name.to_owned(), url.port_or_known_default().unwrap_or(443)).await;
            let addresses = found.map_err(|e| failed(step, format!("{name} cannot be resolved: {e}")))?;
            if addresses.is_empty() {
                return Err(failed(step, format!("{name} has no address")));
            }
            if let Some(forbidden) = addresses.iter().find(|address| !self.rules.permits(address.ip())) {
                return Err(refused(address::not_permitted(name, forbidden.ip())));
            }
            builder = builder.resolve_to_addrs(name, &addresses);
        }
        builder.build().map_err(|e| failed(step, format!("no connection can be made: {}", reason(e))))
    }
}

fn failed(step: Step, message: String) -> Error {
    Error::SourceFailed { step, message }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("the host")
}

/// What went wrong, down to its cause, without the address: that can hold secrets.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut next = std::error::Error::source(&error);
    while let Some(source) = next {
        text.push_str(&format!(": {source}"));
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::*;

    /// A fetcher that may reach 127.0.0.1 and nothing else of this machine, with a resolver that gives one answer after
    /// another.
    fn fetcher(answers: &'static [&'static str]) -> (Fetcher, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let lookup: Lookup = Box::new(move |_, port| {
            let answer = answers[count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1)];
            Box::pin(async move { Ok(answer.split(',').map(|ip| SocketAddr::new(ip.parse().unwrap(), port)).collect()) })
        });
        let rules = Rules { http: true, allowed: vec!["127.0.0.1/32".parse().unwrap()] };
        let api = "https://api.github.com".parse().unwrap();
        (Fetcher { rules, api, timeout: Duration::from_secs(60), lookup }, asked)
    }

    /// Answers one request on 127.0.0.1; returns the port, and the request once it came.
    fn serve_once(answer: String) -> (u16, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        (port, thread)
    }

    async fn download(fetcher: &Fetcher, url: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let take = async |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        fetcher.download(url.parse().unwrap(), 1000, take).await?;
        Ok(bytes)
    }

    #[tokio::test]
    async fn a_name_is_resolved_once_and_the_connection_goes_there() {
        let (fetcher, asked) = fetcher(&["127.0.0.1", "127.0.0.2"]);
        let (port, served) = serve_once("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello".to_owned());
        assert_eq!(download(&fetcher, &format!("http://rebinding.example:{port}/a.zip")).await.unwrap(), b"hello");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        let request = served.join().unwrap().to_lowercase();
        assert!(request.contains(&format!("host: rebinding.example:{port}")), "{request}");
        assert!(!request.contains("authorization") && !request.contains("cookie"), "{request}");
    }

    #[tokio::test]
    async fn one_forbidden_address_among_several_is_enough() {
        for answers in [&["127.0.0.2"][..], &["127.0.0.1,10.0.0.1"], &["::1"], &["127.0.0.1,::ffff:169.254.169.254"], &["64:ff9b::7f00:1"]]
        {
            let (fetcher, _) = fetcher(answers);
            for host in ["rebinding.example", "rebinding.example."] {
                let refused = download(&fetcher, &format!("http://{host}/a.zip")).await;
                assert!(matches!(refused, Err(Error::SourceRefused { step: Step::DownloadAndExtract, .. })), "{answers:?}: {refused:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_redirect_is_resolved_and_checked_again() {
        let (fetcher, asked) = fetcher(&["127.0.0.1", "127.0.0.3"]);
        let (port, served) =
            serve_once("HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned());
        let refused = download(&fetcher, &format!("http://rebinding.example:{port}/a.zip")).await;
        assert!(matches!(refused, Err(Error::SourceRefused { .. })), "{refused:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        served.join().unwrap();
    }
}
