//! Events of calls, delivered to JavaScript as messages.

use vambe::{CallEvent, CallOptions};

use crate::port::{Kind, Message, Sender};

/// Adds to the options of a call that the events which JavaScript wants are delivered.
pub(crate) fn told(mut call: CallOptions, wanted: u32, messages: &Sender) -> CallOptions {
    let hook = || {
        let messages = messages.clone();
        move |event: &CallEvent| messages.send(&Message::new(Kind::Event, event))
    };
    if wanted & ATTEMPT != 0 {
        call = call.on_attempt(hook());
    }
    if wanted & ANSWER != 0 {
        call = call.on_answer(hook());
    }
    if wanted & RETRY != 0 {
        call = call.on_retry(hook());
    }
    call
}

/// What `wanted` is made of; JavaScript knows these numbers too.
const ATTEMPT: u32 = 1;
const ANSWER: u32 = 2;
const RETRY: u32 = 4;
