//! What a trigger's request has from the file, which only the server that it is meant for gets to see.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use fake_asterisk::FakeAsterisk;

use crate::program::Program;

const CONFIG: &str = "\
links: {trunk: {number: +4991112345}}
calls:
  triggered:
    mode: wait
    dst: trunk
    check_callerid: no
    url:
      url: http://127.0.0.1/dial
      method: POST
      headers: {Authorization: Bearer hunter2-one, X-Api-Key: 'hunter2', X-To: '{number}'}
      body: '{\"to\": \"{number}\", \"pin\": \"hunter2-two\"}'
      type: application/vnd.api+json
      expect: [202, queued]
";

// field real-lines-2 trigger 11
#[test]
fn only_the_server_sees_the_headers_of_a_request() {
    let fake = tokio::runtime::Runtime::new().unwrap().block_on(FakeAsterisk::start());
    let program = |port: u16| {
        Program::new()
            .config(CONFIG)
            .set("asterisk.host=127.0.0.1")
            .set(format!("asterisk.port={}", fake.port()))
            .set(format!("asterisk.username={}", fake.user()))
            .set(format!("asterisk.password={}", fake.password()))
            .set(format!("calls.triggered.url.url=http://127.0.0.1:{port}/dial"))
    };
    for options in [&["-vvv", "run", "--log", "trace"][..], &["run", "--format", "json"]] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = String::new();
            while !request.ends_with('}') {
                let mut part = [0; 4096];
                let read = stream.read(&mut part).unwrap();
                request += std::str::from_utf8(&part[..read]).unwrap();
            }
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{request}", request.len()).unwrap();
            request
        });
        let done = program(port).args(options).run().exits(3);
        let request = server.join().unwrap();
        for part in [
            "authorization: Bearer hunter2-one\r\n",
            "x-api-key: hunter2\r\n",
            "x-to: +4991112345\r\n",
            "content-type: application/vnd.api+json\r\n",
            "{\"to\": \"+4991112345\", \"pin\": \"hunter2-two\"}",
        ] {
            assert!(request.contains(part), "{part} is not in {request}");
        }
        assert_eq!(done.stderr.contains("TRACE"), options.contains(&"trace"), "{done}");
        let done = done.prints(&format!("POST http://127.0.0.1:{port}/dial answered 200 OK, expected 202; fix: "));
        assert!(!done.stdout.contains("hunter2") && !done.stderr.contains("hunter2"), "{done}");
    }
}
