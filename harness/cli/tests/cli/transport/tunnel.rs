//! TLS before a server that speaks none.

use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncWriteExt as _, copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::World;
use super::authority::{Authority, Identity};

/// The port of a place that shows a certificate, and passes on what comes. With an authority, only
/// of callers that it has certified.
pub fn before(world: &World, identity: &Identity, callers: Option<&Authority>) -> u16 {
    to(&world.runtime, world.address(), identity, callers)
}

/// The same before a server that need not be there yet.
pub fn to(
    runtime: &Runtime,
    upstream: String,
    identity: &Identity,
    callers: Option<&Authority>,
) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match callers {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let config = builder
        .with_single_cert(vec![identity.certificate.clone()], identity.key())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
                tokio::spawn(async move {
                    match acceptor.accept(stream).into_fallible().await {
                        Ok(mut inside) => {
                            let mut server = TcpStream::connect(upstream).await.unwrap();
                            let _ended = copy_bidirectional(&mut inside, &mut server).await;
                        }
                        // Whoever is refused hears why before the connection ends.
                        Err((_, mut outside)) => {
                            let _ended = outside.shutdown().await;
                            let _rest = copy(&mut outside, &mut sink()).await;
                        }
                    }
                });
            }
        });
        port
    })
}
