//! A server that takes every customer, and remembers what it was sent.

use std::sync::{Arc, Mutex};

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct RecordingServer {
    pub url: String,
    bodies: Arc<Mutex<Vec<Json>>>,
    calls: watch::Receiver<usize>,
}

impl RecordingServer {
    /// Starts one that answers a call with what `answer` makes of its number, from 0, and its body; never with
    /// status 0.
    pub async fn start(answer: impl Fn(usize, &Json) -> (u16, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (called, calls) = watch::channel(0);
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let (called, answer) = (Arc::new(called), Arc::new(answer));
        let kept = Arc::clone(&bodies);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (kept, called, answer) = (Arc::clone(&kept), Arc::clone(&called), Arc::clone(&answer));
                tokio::spawn(async move {
                    let record = |body: Json| {
                        let mut bodies = kept.lock().unwrap();
                        let number = bodies.len();
                        let answer = answer(number, &body);
                        bodies.push(body);
                        called.send_replace(bodies.len());
                        answer
                    };
                    serve(connection, record).await;
                });
            }
        });
        Self { url, bodies, calls }
    }

    /// Starts one that accepts everything.
    pub async fn accepting() -> Self {
        Self::start(|number, _| (200, format!(r#"{{"id":"contact-{number}"}}"#))).await
    }

    /// Returns the bodies received, in order.
    pub fn bodies(&self) -> Vec<Json> {
        self.bodies.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }

    /// Waits until so many calls were received in all.
    pub async fn wait_for(&self, calls: usize) {
        self.calls.clone().wait_for(|count| *count >= calls).await.unwrap();
    }
}

async fn serve(mut connection: TcpStream, answer: impl Fn(Json) -> (u16, String)) {
    let mut received = Vec::new();
    loop {
        while let Some((body, rest)) = request(&received) {
            let (status, text) = answer(body);
            received.drain(..rest);
            if status == 0 {
                std::future::pending::<()>().await;
            }
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                text.len()
            );
            if connection.write_all((head + &text).as_bytes()).await.is_err() {
                return;
            }
        }
        // A client that was killed ends in an error, or in nothing.
        if !matches!(connection.read_buf(&mut received).await, Ok(1..)) {
            return;
        }
    }
}

/// Reads a whole request, if there is one, and tells where it ends.
fn request(received: &[u8]) -> Option<(Json, usize)> {
    let head = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&received[..head]).unwrap().to_ascii_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:")).map_or(0, |n| n.trim().parse().unwrap());
    let body = received.get(head..head + length)?;
    Some((serde_json::from_slice(body).unwrap(), head + length))
}
