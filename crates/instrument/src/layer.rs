//! A tower layer that counts and times HTTP requests, for axum and every other service of `http` requests.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::requests::{Endpoint, Requests};

/// The `endpoint` of requests whose path has no pattern.
const UNMATCHED: &str = "unmatched";
/// The status of a request whose client went away before the answer; the word is nginx's. There was no answer to take it from.
const CLIENT_CLOSED_REQUEST: u16 = 499;
/// The status of a request whose handler panicked or whose service failed: what the client gets from most servers, if anything.
const FAILED: u16 = 500;

pub(crate) type PathOf = dyn for<'a> Fn(&'a http::Uri, &'a http::Extensions) -> Option<Cow<'a, str>> + Send + Sync;

/// `Instrument::layer()`.
#[derive(Clone)]
pub struct RequestLayer {
    requests: Arc<Requests>,
    path_of: Arc<PathOf>,
}

/// A service whose requests are counted.
///
/// A request is counted once: when the head of its answer is there (what its body takes is not measured), when its service fails
/// or panics (status 500), or when it is dropped before, because the client went away or a time-out struck (status 499).
#[derive(Clone)]
pub struct Counted<S> {
    inner: S,
    layer: RequestLayer,
}

pin_project! {
    /// The answer to come.
    pub struct CountedFuture<F> {
        #[pin]
        inner: F,
        // Gone when the answer is there.
        under_way: Option<UnderWay>,
    }
}

/// Counts the request when it ends, in whichever way.
struct UnderWay {
    requests: Arc<Requests>,
    endpoint: Arc<Endpoint>,
    start: Instant,
    status: u16,
}

impl RequestLayer {
    pub(crate) fn new(requests: Arc<Requests>, path_of: Arc<PathOf>) -> RequestLayer {
        RequestLayer { requests, path_of }
    }

    fn begin<B>(&self, request: &Request<B>) -> UnderWay {
        let path = (self.path_of)(request.uri(), request.extensions());
        let endpoint = self.requests.endpoint(request.method(), path.as_deref().unwrap_or(UNMATCHED));
        endpoint.in_progress.inc();
        // Until the service has returned something: a panic is seen by nobody else.
        UnderWay { requests: self.requests.clone(), endpoint, start: Instant::now(), status: FAILED }
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, layer: self.clone() }
    }
}

impl<S, In, Out> Service<Request<In>> for Counted<S>
where
    S: Service<Request<In>, Response = Response<Out>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = CountedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<In>) -> Self::Future {
        let mut under_way = self.layer.begin(&request);
        let inner = self.inner.call(request);
        under_way.status = CLIENT_CLOSED_REQUEST;
        CountedFuture { inner, under_way: Some(under_way) }
    }
}

impl<F, Out, E> Future for CountedFuture<F>
where
    F: Future<Output = Result<Response<Out>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let tell = |under_way: &mut Option<UnderWay>, status| under_way.iter_mut().for_each(|one| one.status = status);
        // What a panic leaves behind: it may be caught and we dropped later, so that unwinding cannot be asked for.
        tell(this.under_way, FAILED);
        let Poll::Ready(answer) = this.inner.poll(cx) else {
            tell(this.under_way, CLIENT_CLOSED_REQUEST);
            return Poll::Pending;
        };
        if let Ok(response) = &answer {
            tell(this.under_way, response.status().as_u16());
        }
        drop(this.under_way.take());
        Poll::Ready(answer)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.endpoint.in_progress.dec();
        self.requests.finished(&self.endpoint, self.status, self.start.elapsed());
    }
}

#[cfg(all(test, feature = "axum"))]
mod tests;
