//! Clients of both systems, each built from well-maintained libraries: HTTP/1.1 by `hyper` for ours,
//! `etcd-client` (gRPC, also by `hyper`) for etcd.

use crate::members::System;
use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A client of one server.
pub enum Client {
    /// Connected to a server of ours.
    Raft(SendRequest<Full<Bytes>>),
    /// Connected to a member of etcd.
    Etcd(Box<etcd_client::Client>),
}

impl Client {
    /// Connects to a server at HOST:PORT.
    pub async fn connect(system: System, address: &str) -> anyhow::Result<Client> {
        Ok(match system {
            System::Raft => Client::Raft(connect(address).await?),
            System::Etcd => Client::Etcd(Box::new(
                etcd_client::Client::connect([format!("http://{address}")], None).await?,
            )),
        })
    }

    /// Another client on the same connection, if that can carry several requests at a time: HTTP/2 can.
    pub fn another(&self) -> Option<Client> {
        match self {
            Client::Raft(_) => None,
            Client::Etcd(client) => Some(Client::Etcd(client.clone())),
        }
    }

    /// Writes, and returns when the value is on the disks of a majority.
    ///
    /// # Errors
    /// If the server refuses (it knows no leader, say), or is not there.
    pub async fn put(&mut self, key: &str, value: &Bytes) -> anyhow::Result<()> {
        match self {
            Client::Raft(connection) => {
                ask(connection, Method::PUT, &format!("/kv/{key}"), value.clone()).await?;
            }
            Client::Etcd(client) => {
                client.put(key, value.as_ref(), None).await?;
            }
        }
        Ok(())
    }

    /// Reads the value, linearizably.
    ///
    /// # Errors
    /// Those of [`Client::put`], and if there is no value.
    pub async fn get(&mut self, key: &str) -> anyhow::Result<()> {
        match self {
            Client::Raft(connection) => {
                ask(connection, Method::GET, &format!("/kv/{key}"), Bytes::new()).await?;
            }
            Client::Etcd(client) => {
                client.get(key, None).await?.kvs().first().context("etcd has no such key")?;
            }
        }
        Ok(())
    }

    /// May another request follow one that failed?
    pub fn is_usable(&self) -> bool {
        match self {
            Client::Raft(connection) => connection.is_ready(),
            Client::Etcd(_) => true,
        }
    }
}

/// A server's metrics, in the format of Prometheus. Both systems have them.
pub async fn metrics(address: &str) -> anyhow::Result<String> {
    let page = ask(&mut connect(address).await?, Method::GET, "/metrics", Bytes::new()).await?;
    Ok(String::from_utf8(page.into())?)
}

async fn connect(address: &str) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (connection, speaks) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the connection.
    tokio::spawn(speaks);
    Ok(connection)
}

async fn ask(
    connection: &mut SendRequest<Full<Bytes>>,
    method: Method,
    path: &str,
    body: Bytes,
) -> anyhow::Result<Bytes> {
    connection.ready().await?;
    let request =
        Request::builder().method(method).uri(path).header("host", "localhost").body(Full::new(body))?;
    let answer = connection.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    if status != StatusCode::OK {
        bail!("a server answered {status}: {}", String::from_utf8_lossy(&body).trim());
    }
    Ok(body)
}
