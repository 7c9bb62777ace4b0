//! Proxies before a server.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use asterisk_lab::{Lab, LabError, Proxy, ServerOptions, for_tests, nginx_for_tests};

fn get(address: SocketAddr, target: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_proxy_passes_requests_on_and_is_gone_in_the_end() {
    let lab = Lab::builder(&for_tests()).server(ServerOptions::named("a").http_prefix("pbx")).start().unwrap();
    let ari = lab.server("a").ari();
    let lines = format!("location /site/ {{ proxy_pass {}/; }}", ari.base_url());
    let proxy = Proxy::start(&nginx_for_tests(), &lines).unwrap();
    let address = proxy.address();
    let answer = get(address, "/site/ari/asterisk/ping");
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("Authentication required"), "{answer}");
    assert!(get(address, "/elsewhere").starts_with("HTTP/1.1 404 "));
    drop(proxy);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_proxy_that_does_not_start_says_why() {
    let error = Proxy::start(&nginx_for_tests(), "no_such_directive on;").unwrap_err();
    assert!(matches!(&error, LabError::ProxyNotReady { output } if output.contains("no_such_directive")), "{error}");
}
