//! `plugyard serve --demo`: something to look at after one command.

use std::{io, net::SocketAddr, time::Duration};

use flate2::{Compression, write::GzEncoder};

use super::{failure::Result, password::Password};
use crate::{
    app::{
        App,
        accounts::{self, NewAccount},
        now,
        releases::{self, PublishOptions},
        tokens::{self, NewToken},
    },
    domain::{Caller, Role, Scope, UserId},
    error::Error,
};

const USERS: [&str; 2] = ["ann", "ben"];
/// The slug of the sample plugin.
const SAMPLE: &str = "HelloPlugin";
/// Every file of the sample, so that publishing the folder by hand finds the same release.
const SAMPLE_FILES: [(&str, &[u8]); 6] = [
    ("README.md", include_bytes!("../../examples/hello-esm/README.md")),
    ("dist/clock.js", include_bytes!("../../examples/hello-esm/dist/clock.js")),
    ("dist/index.js", include_bytes!("../../examples/hello-esm/dist/index.js")),
    ("dist/style.css", include_bytes!("../../examples/hello-esm/dist/style.css")),
    ("icon.svg", include_bytes!("../../examples/hello-esm/icon.svg")),
    ("plugin.json", include_bytes!("../../examples/hello-esm/plugin.json")),
];
/// The printed commands hold a token, so it must not stay valid in somebody's scrollback.
const TOKEN_HOURS: u64 = 24;

/// What there is to try.
pub struct Demo {
    /// With the password where the account was made just now.
    users: Vec<(&'static str, Option<String>)>,
    /// The first user's.
    token: String,
}

/// Makes the users and publishes the sample, unless they are there already.
pub async fn prepare(app: &App) -> Result<Demo> {
    let caller = Caller::local("serve --demo");
    let mut users = Vec::new();
    for name in USERS {
        users.push((name, make_user(app, &caller, name).await?));
    }
    publish_sample(app, &caller).await?;
    let owner = user_id(app, &caller, USERS[0]).await?;
    let scopes = vec![Scope::Read, Scope::Install];
    let expires_at = Some(now().plus(Duration::from_secs(TOKEN_HOURS * 3600)));
    let (_, token) = tokens::create(app, &caller, &owner, NewToken { name: "demo".to_owned(), scopes, expires_at }).await?;
    Ok(Demo { users, token })
}

/// The generated password; none when the account was there.
async fn make_user(app: &App, caller: &Caller, name: &str) -> Result<Option<String>> {
    let password = Password::generate()?;
    let account = NewAccount { username: name.to_owned(), email: None, full_name: None, password: password.text.clone(), role: Role::User };
    match accounts::create(app, caller, account).await {
        Ok(_) => Ok(password.generated()),
        Err(Error::AlreadyExists(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn user_id(app: &App, caller: &Caller, name: &str) -> Result<UserId> {
    Ok(crate::app::access::named_user(app, caller, name).await?.id)
}

async fn publish_sample(app: &App, caller: &Caller) -> Result<()> {
    let archive = sample().map_err(|e| Error::storage("the sample plugin cannot be packed", e))?;
    let mut upload = app.folder.begin_upload(app.settings.max_archive.as_u64()).await?;
    upload.write(&archive).await?;
    let staged = app.folder.unpack(upload.finish().await?, app.limits()).await?;
    match releases::publish(app, caller, staged, PublishOptions::default()).await {
        // The sample of another plugyard is as good.
        Ok(_) | Err(Error::VersionTaken { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn sample() -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, content) in SAMPLE_FILES {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content)?;
    }
    tar.into_inner()?.finish()
}

impl Demo {
    /// What to try, for a server that listens here. Each command works as it is pasted.
    pub fn text(&self, listening: SocketAddr) -> String {
        let base = format!("http://{}/api/v1", reachable(listening));
        let bearer = format!("-H 'Authorization: Bearer {}'", self.token);
        let mut lines = vec![String::new(), format!("The sample plugin {SAMPLE} is published, and there are two users:")];
        lines.extend(self.users.iter().map(|(name, password)| match password {
            Some(password) => format!("  {name}, with the password {password}"),
            None => format!("  {name}, made by an earlier start; plugyard user set-password {name} gives another password"),
        }));
        let user = USERS[0];
        lines.extend([
            String::new(),
            format!("Install the plugin for {user} (the token is hers and works for {TOKEN_HOURS} hours):"),
            format!("  curl -X POST {base}/plugins/{SAMPLE}/install {bearer}"),
            "See what a frontend loads for her:".to_owned(),
            format!("  curl {base}/plugins/manifest {bearer}"),
            "Take the plugin away again:".to_owned(),
            format!("  curl -X DELETE {base}/plugins/{SAMPLE}/uninstall {bearer}"),
        ]);
        if let Some((name, Some(password))) = self.users.first() {
            let login = format!(r#"{{"email":"{name}","password":"{password}"}}"#);
            lines.push("Log in as a frontend does:".to_owned());
            lines.push(format!("  curl {base}/auth/login -H 'Content-Type: application/json' -d '{login}'"));
        }
        lines.push(format!("All routes: http://{}/api/docs/", reachable(listening)));
        lines.join("\n")
    }
}

/// Who listens on every address can be reached on this machine's own.
fn reachable(listening: SocketAddr) -> SocketAddr {
    match listening {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (std::net::Ipv6Addr::LOCALHOST, v6.port()).into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn the_sample_is_the_whole_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hello-esm");
        let mut found = Vec::new();
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name().into_iter().map(Result::unwrap) {
            if entry.file_type().is_file() {
                let name = entry.path().strip_prefix(&folder).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, fs::read(entry.path()).unwrap()));
            }
        }
        found.sort();
        assert_eq!(found, SAMPLE_FILES.map(|(name, content)| (name.to_owned(), content.to_vec())));
    }

    #[test]
    fn commands_name_an_address_that_can_be_reached() {
        assert_eq!(reachable("0.0.0.0:1".parse().unwrap()).to_string(), "127.0.0.1:1");
        assert_eq!(reachable("[::]:1".parse().unwrap()).to_string(), "[::1]:1");
        assert_eq!(reachable("10.0.0.1:1".parse().unwrap()).to_string(), "10.0.0.1:1");
    }
}
