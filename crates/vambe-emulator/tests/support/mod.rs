//! A raw HTTP client, so that the tests see the very bytes of an answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vambe_emulator::Emulator;

pub const UPSERT: &str = "/api/public/customer/upsert/info";
pub const NOTE: &str = "/api/public/whatsapp/message/note/send";
pub const DOCUMENTED_STAGE: &str = "550e8400-e29b-41d4-a716-446655440000";

/// An answer as it came over the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub fn basis(&self) -> &str {
        &self.headers["x-emulator-basis"]
    }

    /// The contact of a successful upsert.
    pub fn contact(&self) -> Value {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// The messages of a refusal, as a list.
    pub fn messages(&self) -> Vec<String> {
        assert_eq!(self.status, 400, "{}", String::from_utf8_lossy(&self.body));
        let body = self.json();
        assert_eq!(body["statusCode"], 400);
        assert_eq!(body["error"], "Bad Request");
        match &body["message"] {
            Value::Array(list) => list.iter().map(|m| m.as_str().unwrap().to_owned()).collect(),
            message => vec![message.as_str().unwrap().to_owned()],
        }
    }
}

/// One tenant's view of an emulator.
pub struct Caller<'a> {
    pub emulator: &'a Emulator,
    pub key: String,
}

impl<'a> Caller<'a> {
    pub fn new(emulator: &'a Emulator) -> Self {
        Self { emulator, key: emulator.api_key().to_owned() }
    }

    pub fn another(emulator: &'a Emulator) -> Self {
        Self { emulator, key: emulator.new_api_key() }
    }

    pub async fn upsert(&self, body: Value) -> Answer {
        self.call("POST", UPSERT, body.to_string().as_bytes()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, b"").await
    }

    pub async fn call(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let mut connection = self.send(method, path, body).await;
        read_answer(&mut connection).await.expect("an answer")
    }

    /// Sends a request and leaves the answer to be read.
    pub async fn send(&self, method: &str, path: &str, body: &[u8]) -> TcpStream {
        let mut connection = self.connect().await;
        self.write(&mut connection, method, path, body).await;
        connection
    }

    pub async fn connect(&self) -> TcpStream {
        let address = self.emulator.url().strip_prefix("http://").unwrap();
        TcpStream::connect(address).await.unwrap()
    }

    pub async fn write(&self, connection: &mut TcpStream, method: &str, path: &str, body: &[u8]) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             x-api-key: {}\r\ncontent-length: {}\r\n\r\n",
            self.key,
            body.len()
        );
        let request = [head.as_bytes(), body].concat();
        connection.write_all(&request).await.unwrap();
    }

    pub async fn customers(&self) -> Vec<Value> {
        let page = self.get("/_emulator/customers").await.json();
        page["customers"].as_array().unwrap().clone()
    }

    /// The custom field values of the only customer, by key.
    pub async fn values(&self) -> HashMap<String, String> {
        let customers = self.customers().await;
        assert_eq!(customers.len(), 1);
        let values = customers[0]["custom_field_values"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        values.iter().map(|v| (text(&v["key"]), text(&v["value"]))).collect()
    }
}

pub async fn raw(emulator: &Emulator, request: &[u8]) -> Answer {
    let address = emulator.url().strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request).await.unwrap();
    read_answer(&mut connection).await.expect("an answer")
}

/// Reads one answer with a `content-length`, or says how the connection ended.
pub async fn read_answer(connection: &mut TcpStream) -> std::io::Result<Answer> {
    let (status, headers, mut body) = read_head(connection).await?;
    let length: usize = headers["content-length"].parse().unwrap();
    while body.len() < length {
        read_more(connection, &mut body).await?;
    }
    Ok(Answer { status, headers, body })
}

/// Reads the head of an answer and what of its body came along.
pub async fn read_head(connection: &mut TcpStream) -> std::io::Result<(u16, HashMap<String, String>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            break end;
        }
        read_more(connection, &mut bytes).await?;
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap()[9..12].parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    };
    Ok((status, lines.map(header).collect(), bytes[end + 4..].to_vec()))
}

pub async fn read_more(connection: &mut TcpStream, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    let limit = Duration::from_secs(20);
    let read = tokio::time::timeout(limit, connection.read_buf(bytes)).await;
    match read.expect("bytes or an end within 20 s")? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// Reads until this text has come, and gives all that was read.
pub async fn read_until(connection: &mut TcpStream, text: &str) -> String {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(text) {
        read_more(connection, &mut bytes).await.unwrap();
    }
    String::from_utf8(bytes).unwrap()
}

pub fn whatsapp() -> Value {
    json!({
        "channel": "whatsapp",
        "channel_phone_number": "+56987654321",
        "contact_phone_number": "+56912345678",
        "meta_data": {},
    })
}

pub fn webchat() -> Value {
    json!({
        "channel": "webchat",
        "channel_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        "external_user_id": "user-abc-123",
        "meta_data": {},
    })
}

/// The body with some of its fields set.
pub fn with(mut body: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("an object") };
    body.as_object_mut().unwrap().extend(fields);
    body
}

pub fn without(mut body: Value, field: &str) -> Value {
    body.as_object_mut().unwrap().shift_remove(field);
    body
}

pub fn field(key: &str, value: &str) -> Value {
    json!({ "custom_field_values": [{ "key": key, "value": value }] })
}
