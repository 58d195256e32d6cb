//! The routes of the service: those the emulator serves, and those it only knows of.

use axum::http::Method;

use crate::endpoint::Endpoint;

/// What is at a method and path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// The emulator answers it.
    Served(Endpoint),
    /// The service documents it under this name, and the emulator does not have it.
    NotEmulated(&'static str),
    /// The service does not document it.
    Unknown,
}

pub(crate) const UPSERT: &str = "/api/public/customer/upsert/info";
pub(crate) const NOTE: &str = "/api/public/whatsapp/message/note/send";

/// The documented routes beside the upsert; `*` is any one step.
const NOT_EMULATED: [(&str, &str, &str); 22] = [
    ("GET", "/api/public/pipeline", "get pipelines"),
    ("GET", "/api/public/team-members/all", "get all team members"),
    ("POST", "/api/public/contact/*/assign-team-member/*", "assign a team member"),
    ("GET", "/api/public/channels/*", "get a channel"),
    ("POST", "/api/public/channels/*/*/tags", "add tags to a contact"),
    ("POST", "/api/public/ticket/open/whatsapp/*", "open a ticket"),
    ("POST", "/api/public/ticket/open/web-whatsapp/*", "open a ticket"),
    ("POST", "/api/public/ticket/metadata", "update ticket metadata"),
    ("POST", "/api/public/ticket/amount", "update ticket amount"),
    ("GET", "/api/public/tags", "get all tags"),
    ("PATCH", "/api/public/contact/tags/*", "update contact tags"),
    ("POST", "/api/public/contact/*/update-metadata", "update contact metadata"),
    ("POST", "/api/public/webchat/contact/add-metadata", "add webchat contact metadata"),
    ("GET", "/api/public/templates", "get templates"),
    ("POST", "/api/public/whatsapp/message/send/*/template/*", "send a template"),
    ("GET", "/api/public/contact/*/info", "get a contact"),
    ("GET", "/api/public/contacts", "get contacts"),
    ("GET", "/api/public/contacts/search", "search contacts"),
    ("GET", "/api/public/contact/v2/*/messages", "get messages of a contact"),
    ("GET", "/api/public/contact/*/conversations", "get conversations of a contact"),
    ("POST", "/api/v1/events", "ingest a custom event"),
    ("GET", "/api/public/analytics/contacts", "get contact analytics"),
];

impl Route {
    pub(crate) fn find(method: &Method, path: &str) -> Self {
        match path {
            UPSERT if method == Method::POST => Self::Served(Endpoint::Upsert),
            NOTE if method == Method::POST => Self::Served(Endpoint::Note),
            _ => {
                let mut known = NOT_EMULATED.iter();
                let here = known.find(|(verb, pattern, _)| *verb == method.as_str() && fits(pattern, path));
                here.map_or(Self::Unknown, |(_, _, name)| Self::NotEmulated(name))
            }
        }
    }

    /// Whether the service documents anything at this path.
    pub(crate) fn is_documented(path: &str) -> bool {
        path == UPSERT || path == NOTE || NOT_EMULATED.iter().any(|(_, pattern, _)| fits(pattern, path))
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("*"), Some(step)) if !step.is_empty() => {}
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_served_from_known_from_unknown() {
        assert_eq!(Route::find(&Method::POST, UPSERT), Route::Served(Endpoint::Upsert));
        assert_eq!(Route::find(&Method::GET, UPSERT), Route::Unknown);
        let tags = "/api/public/contact/tags/5";
        assert_eq!(Route::find(&Method::PATCH, tags), Route::NotEmulated("update contact tags"));
        assert!(Route::is_documented(tags));
        for path in ["/api/public/contact//info", "/api/public/contact/1/info/2", "/api/public"] {
            assert_eq!(Route::find(&Method::GET, path), Route::Unknown, "{path}");
        }
    }
}
