//! A server that costs as little as possible: one fixed answer to whatever arrives.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Prints the URL, then answers until it is killed.
pub fn run() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        loop {
            let (socket, _) = listener.accept().await?;
            tokio::spawn(answer(socket));
        }
    })
}

async fn answer(mut socket: TcpStream) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{CONTACT}",
        CONTACT.len()
    );
    let mut request = Vec::with_capacity(8192);
    loop {
        if socket.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
        while let Some(length) = request_length(&request) {
            request.drain(..length);
            socket.write_all(answer.as_bytes()).await?;
        }
    }
}

/// Returns the length of the first request, once it is complete.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?.to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?.trim().parse::<usize>().ok()?;
    (bytes.len() >= head + length).then_some(head + length)
}

const CONTACT: &str = r#"{"id":"df980fc8-b6db-4820-bf22-2969482d106d","name":"Maria Rodriguez","phone":"+56912345678","email":"maria.rodriguez@example.com","platform":"whatsapp","client_id":"550e8400-e29b-41d4-a716-446655440000","ai_customer_id":"660e8400-e29b-41d4-a716-446655440001","created_at":"2024-09-30T10:00:00.000Z","default_stage_id":"550e8400-e29b-41d4-a716-446655440000","blocked":false,"chat_status":"UNATTENDED","is_chat_read":false}"#;
