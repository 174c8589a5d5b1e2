//! Connections of clients, accepted elsewhere, as axum wants to have them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// A client's connection, which takes one of the server's places as long as it lives.
#[derive(Debug)]
pub(crate) struct HttpConnection {
    stream: TcpStream,
    caller: SocketAddr,
    _place: OwnedSemaphorePermit,
}

impl HttpConnection {
    pub(crate) fn new(stream: TcpStream, caller: SocketAddr, place: OwnedSemaphorePermit) -> HttpConnection {
        HttpConnection { stream, caller, _place: place }
    }
}

impl AsyncRead for HttpConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for HttpConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The connections that come.
pub(super) struct HttpConnections {
    address: SocketAddr,
    connections: mpsc::Receiver<HttpConnection>,
}

impl HttpConnections {
    pub(super) fn new(address: SocketAddr, connections: mpsc::Receiver<HttpConnection>) -> HttpConnections {
        HttpConnections { address, connections }
    }
}

impl axum::serve::Listener for HttpConnections {
    type Io = HttpConnection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (HttpConnection, SocketAddr) {
        match self.connections.recv().await {
            Some(connection) => {
                let caller = connection.caller;
                (connection, caller)
            }
            // Nobody listens any more: the server is about to end.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
