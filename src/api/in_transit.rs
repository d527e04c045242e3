//! Answers that caches outside may keep: what counts them is held until they have been sent.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

/// A body, and what is to be dropped with it when its bytes have been given to the system.
struct InTransit<T> {
    body: BoxBody,
    has_rested: bool,
    _held: T,
}

/// Holds something, if there is something, until an answer has been sent. One without a body has nothing to hold it by:
/// then it ends here.
pub fn holding(response: HttpResponse, held: Option<impl Unpin + 'static>) -> HttpResponse {
    let is_empty = matches!(response.body().size(), BodySize::None | BodySize::Sized(0));
    match held.filter(|_| !is_empty) {
        None => response,
        Some(held) => response.map_body(|_, body| {
            BoxBody::new(InTransit {
                body,
                has_rested: false,
                _held: held,
            })
        }),
    }
}

impl<T: Unpin> MessageBody for InTransit<T> {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_next(context) {
            // The server sends what it has been given where there is no more for now, then asks again.
            Poll::Ready(None) if !this.has_rested => {
                this.has_rested = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            polled => polled,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use futures_util::task::noop_waker;

    use super::*;

    #[test]
    fn it_is_held_until_the_bytes_have_been_taken_and_once_more_asked_for() {
        let held = Rc::new(());
        let response = HttpResponse::Ok().body("des octets");
        let mut body = holding(response, Some(Rc::clone(&held))).into_body();
        assert_eq!(body.size(), BodySize::Sized(10));
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        let mut poll = || Pin::new(&mut body).poll_next(&mut context);
        assert!(matches!(poll(), Poll::Ready(Some(Ok(bytes))) if bytes == "des octets"));
        // The server sends now.
        assert!(poll().is_pending());
        assert_eq!(Rc::strong_count(&held), 2);
        assert!(matches!(poll(), Poll::Ready(None)));
        drop(body);
        assert_eq!(Rc::strong_count(&held), 1);
    }

    #[test]
    fn an_answer_without_a_body_holds_nothing() {
        let held = Rc::new(());
        let response = holding(HttpResponse::NotModified().finish(), Some(Rc::clone(&held)));
        assert_eq!(Rc::strong_count(&held), 1);
        drop(response);
    }
}
