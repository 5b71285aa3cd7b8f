//! From nothing to a subscription, by all the ways a master can be.

use std::sync::Arc;

use mesos_v1::scheduler as api;
use offerd_core::machine::Subscription;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::server::{Connection, Server, Tested, in_time, settings, subscribed};

#[tokio::test]
async fn r01_subscribe_has_the_right_headers_and_body() {
    let server = Server::new().await;
    let mut settings = settings(&[&server.address]);
    settings.credentials = Some(("me".into(), "s3cret".into()));
    let mut client = Tested::start(settings);
    let mut stream = server.accept().await;
    let request = stream.request().await;
    assert!(
        request.head.starts_with("POST /api/v1/scheduler HTTP/1.1"),
        "{}",
        request.head
    );
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("accept", "application/x-protobuf"),
        ("host", &server.address.to_string()),
        ("authorization", "Basic bWU6czNjcmV0"),
    ] {
        assert_eq!(request.header(name), Some(value), "{}", request.head);
    }
    assert_eq!(request.header("mesos-stream-id"), None);
    assert_eq!(request.call.r#type, Some(api::call::Type::Subscribe as i32));
    assert_eq!(request.call.framework_id, None);
    let info = request.call.subscribe.unwrap().framework_info;
    assert_eq!(
        (info.user.as_str(), info.roles),
        ("nobody", vec!["role".to_owned()])
    );

    // The next one carries the id that was given.
    stream.start_stream("one").await;
    let _calls = server.accept().await;
    stream.event(&subscribed(3600.0)).await;
    client.is_subscribed().await;
    client.subscription.send_replace(Subscription {
        framework_id: Some("framework-1".into()),
        ..Subscription::default()
    });
    drop(stream);
    let request = server.accept().await.request().await;
    let id = |id: Option<mesos_v1::FrameworkId>| id.map(|id| id.value);
    assert_eq!(
        id(request.call.framework_id).as_deref(),
        Some("framework-1")
    );
    let info = request.call.subscribe.unwrap().framework_info;
    assert_eq!(id(info.id).as_deref(), Some("framework-1"));
}

#[tokio::test]
async fn r07_redirects_are_followed_in_each_form() {
    let (follower, leader) = (Server::new().await, Server::new().await);
    for form in [
        "//HOST/api/v1/scheduler",
        "http://HOST/api/v1/scheduler",
        "HOST",
    ] {
        let mut client = Tested::start(settings(&[&follower.address]));
        let mut asked = follower.accept().await;
        asked.request().await;
        let location = form.replace("HOST", &leader.address.to_string());
        asked
            .answer(
                "307 Temporary Redirect",
                &format!("Location: {location}\r\n"),
                "",
            )
            .await;
        let _both = leader.subscribed().await;
        client.is_subscribed().await;
    }
}

#[tokio::test]
async fn r07_a_redirect_without_end_is_told_and_tried_again_later() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let location = format!("Location: //{}/x\r\n", server.address);
    for _ in 0..6 {
        let mut asked = server.accept().await;
        asked.request().await;
        asked.answer("307 Temporary Redirect", &location, "").await;
    }
    let text = client.notice().await;
    assert!(text.contains("and so on without end"), "{text}");
    let _both = server.subscribed().await;
    client.is_subscribed().await;
}

#[tokio::test]
async fn a_master_that_is_not_ready_is_asked_again() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    for (status, body) in [
        ("503 Service Unavailable", "No leader elected"),
        ("404 Not Found", ""),
        ("500 Internal Server Error", "oops"),
    ] {
        let mut asked = server.accept().await;
        asked.request().await;
        asked.answer(status, "", body).await;
        let text = client.notice().await;
        assert!(text.contains(&status[..3]) && text.contains(body), "{text}");
        assert!(text.contains(&server.address.to_string()), "{text}");
    }
    // It hangs up without a word, or there is nobody.
    drop(server.accept().await);
    assert!(client.notice().await.contains("trying again"));
    let _both = server.subscribed().await;
    client.is_subscribed().await;
}

#[tokio::test]
async fn masters_of_the_list_are_tried_in_turn() {
    let (first, second) = (Server::new().await, Server::new().await);
    let gone = Server::new().await.address.clone();
    let mut client = Tested::start(settings(&[&gone, &first.address, &second.address]));
    let mut asked = first.accept().await;
    asked.request().await;
    asked.answer("503 Service Unavailable", "", "").await;
    let _both = second.subscribed().await;
    client.is_subscribed().await;
}

#[tokio::test]
async fn what_would_never_work_ends_it_with_a_clear_message() {
    for (status, body, parts) in [
        ("401 Unauthorized", "", ["credentials", "401"]),
        (
            "403 Forbidden",
            "not authorized",
            ["refused", "not authorized"],
        ),
        (
            "400 Bad Request",
            "User is empty",
            ["refused", "User is empty"],
        ),
        ("415 Unsupported Media Type", "", ["refused", "415"]),
    ] {
        let server = Server::new().await;
        let mut client = Tested::start(settings(&[&server.address]));
        let mut asked = server.accept().await;
        asked.request().await;
        asked.answer(status, "", body).await;
        let text = client.fatal().await;
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_master_is_told() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    for (headers, part) in [
        (
            "Content-Type: application/x-protobuf\r\n",
            "is this a Mesos master?",
        ),
        (
            "Content-Type: text/html\r\nMesos-Stream-Id: x\r\n",
            "text/html; expected application/x-protobuf",
        ),
    ] {
        let mut asked = server.accept().await;
        asked.request().await;
        asked.answer("200 OK", headers, "hello").await;
        let text = client.notice().await;
        assert!(text.contains(part), "{text}");
    }
    let mut asked = server.accept().await;
    asked.write("SSH-2.0-server\r\n").await;
    assert!(client.notice().await.contains("SUBSCRIBE was not answered"));
}

/// A certificate for 127.0.0.1 and the server's side of TLS.
fn tls() -> (String, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let chain = vec![CertificateDer::from(made.cert.der().to_vec())];
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (made.cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn tls_with_the_right_certificate_works_and_another_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (pem, acceptor) = tls();
    let (other, _) = tls();
    let server = Server::new().await;
    let with_ca = |name: &str, pem: &str| {
        let file = dir.path().join(name);
        std::fs::write(&file, pem).unwrap();
        let mut settings = settings(&[&server.address]);
        settings.tls_ca = Some(file);
        Tested::start(settings)
    };

    let mut client = with_ca("right.pem", &pem);
    let accept = async || {
        let plain = server.accept().await;
        in_time(acceptor.accept(plain.stream)).await
    };
    let mut stream = Connection::new(accept().await.unwrap());
    stream.request().await;
    stream.start_stream("one").await;
    let _calls = accept().await.unwrap();
    stream.event(&subscribed(3600.0)).await;
    client.is_subscribed().await;
    drop(client);

    let mut client = with_ca("wrong.pem", &other);
    assert!(accept().await.is_err());
    let text = client.notice().await;
    assert!(text.contains("certificate"), "{text}");
}

#[tokio::test]
async fn dropping_the_client_says_nothing_to_the_master() {
    let server = Server::new().await;
    let mut client = Tested::start(settings(&[&server.address]));
    let (_stream, mut calls) = server.subscribed().await;
    client.is_subscribed().await;
    drop(client);
    let mut rest = Vec::new();
    use tokio::io::AsyncReadExt as _;
    in_time(calls.stream.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty());
}
