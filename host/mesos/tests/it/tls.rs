//! TLS with a certificate authority of one's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use offerd_core::call::Call;
use offerd_core::machine::CallId;
use offerd_mesos::{Settings, start};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::client::{Watched, contains, settings, within};
use crate::server::Master;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server's side with a certificate for these names.
fn acceptor(authority: &Authority, names: &[&str]) -> TlsAcceptor {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, authority)
        .unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn master(authority: &Authority, names: &[&str]) -> Master {
    let mut master = Master::bind().await;
    master.tls = Some(acceptor(authority, names));
    master
}

fn write(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("ca.pem");
    std::fs::write(&path, text).unwrap();
    path
}

/// Settings that trust these authorities, given as one PEM text.
fn trusting(dir: &Path, pem: &str, master: &Master) -> Settings {
    let mut settings = settings(&[master]);
    settings.tls_ca = Some(write(dir, pem));
    settings
}

#[tokio::test]
async fn the_own_authority_is_trusted_for_both_connections() {
    within(async {
        let dir = tempfile::tempdir().unwrap();
        let authority = authority("ours");
        let master = master(&authority, &["127.0.0.1"]).await;
        // A bundle: the right one is not the first.
        let bundle = self::authority("theirs").pem() + &authority.pem();
        let mut client = Watched::start(trusting(dir.path(), &bundle, &master));
        let mut peers = master.session("stream-1").await;
        let session = client.subscribed().await;
        client
            .client
            .send(session, vec![(CallId(1), Call::Teardown)]);
        let request = peers.calls.request().await;
        assert_eq!(request.header("Mesos-Stream-Id"), Some("stream-1"));
    })
    .await;
}

/// Takes one connection whose handshake the client ends.
async fn refused_handshake(master: &Master) {
    let stream = master.accept_plain().await;
    let tls = master.tls.as_ref().unwrap();
    assert!(tls.accept(stream).await.is_err());
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_named_as_the_reason() {
    within(async {
        let dir = tempfile::tempdir().unwrap();
        let master = master(&authority("ours"), &["127.0.0.1"]).await;
        let mut client = Watched::start(trusting(dir.path(), &authority("theirs").pem(), &master));
        refused_handshake(&master).await;
        let warning = client.warning().await;
        contains(
            &warning,
            &format!("master {}: no connection: TLS failed: ", master.text()),
        );
        contains(&warning, "UnknownIssuer");
        contains(
            &warning,
            "expected a certificate for 127.0.0.1 that is signed by an authority of [mesos.tls] ca",
        );
        refused_handshake(&master).await;
    })
    .await;
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    within(async {
        let dir = tempfile::tempdir().unwrap();
        let authority = authority("ours");
        let master = master(&authority, &["mesos.example"]).await;
        let mut client = Watched::start(trusting(dir.path(), &authority.pem(), &master));
        refused_handshake(&master).await;
        let warning = client.warning().await;
        contains(&warning, "TLS failed: ");
        contains(&warning, "not valid for name");
        contains(&warning, "127.0.0.1");
    })
    .await;
}

#[tokio::test]
async fn a_master_without_tls_is_told_from_a_wrong_certificate() {
    within(async {
        let dir = tempfile::tempdir().unwrap();
        let master = Master::bind().await;
        let mut client = Watched::start(trusting(dir.path(), &authority("theirs").pem(), &master));
        let mut peer = master.accept().await;
        peer.answer("400 Bad Request", &[], "").await;
        let warning = client.warning().await;
        contains(&warning, "TLS failed: ");
        contains(&warning, "does the master speak TLS on this port?");
    })
    .await;
}

#[tokio::test]
async fn without_a_second_connection_there_is_no_session() {
    within(async {
        let dir = tempfile::tempdir().unwrap();
        let authority = authority("ours");
        let master = master(&authority, &["127.0.0.1"]).await;
        let mut client = Watched::start(trusting(dir.path(), &authority.pem(), &master));
        let mut peer = master.accept().await;
        // The handshake of the second one fails.
        drop(master.accept_plain().await);
        contains(
            &client.warning().await,
            "no second connection, for calls: TLS failed: ",
        );
        // R14: SUBSCRIBE, which makes a framework, was not sent.
        assert!(peer.closed().await.is_empty());
        master.session("stream-1").await;
        client.subscribed().await;
    })
    .await;
}

#[tokio::test]
async fn a_file_that_holds_no_authority_is_told_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let master = Master::bind().await;
    let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let broken = "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n";
    let key = KeyPair::generate().unwrap().serialize_pem();
    for (text, message) in [
        (
            "",
            "holds no certificate; expected at least one in PEM form",
        ),
        (key.as_str(), "holds no certificate"),
        (bad, "holds a certificate that is not valid"),
        (broken, "can't be read; expected certificates in PEM form"),
    ] {
        let settings = trusting(dir.path(), text, &master);
        let path = settings.tls_ca.clone().unwrap();
        let error = fails(settings);
        contains(&error, message);
        contains(&error, &path.display().to_string());
    }
    let mut settings = settings(&[&master]);
    settings.tls_ca = Some(dir.path().join("absent.pem"));
    contains(&fails(settings), "absent.pem can't be read");
}

fn fails(settings: Settings) -> String {
    let (_keep, wanted) = watch::channel(offerd_core::machine::Subscription::default());
    let (events, _) = mpsc::unbounded_channel();
    start(settings, wanted, events).unwrap_err().to_string()
}
