//! HTTP requests as events.
//!
//! The forms are those of API Gateway (REST APIs and version 1.0 of HTTP APIs; version 2.0 of HTTP
//! APIs, which function URLs use as well) and of Application Load Balancers. lambda_http reads them
//! too, but fails at base64 and paths that are not valid, and would bring thirty crates.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::serve::http::is_route;

/// Header in which load balancers tell the address of a client.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Stage of an HTTP API that is not part of paths.
const DEFAULT_STAGE: &str = "$default";

/// Ends of the domains that AWS gives to APIs and function URLs.
const AWS_DOMAINS: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".on.aws"];

/// Bytes that a path keeps: those that URIs may have there (RFC 3986, section 3.3), and the percent
/// sign of what is encoded already.
const NOT_IN_PATH: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'%')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// Origin of an HTTP event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A REST API, or an HTTP API with events of version 1.0.
    RestApi,
    /// An HTTP API, or a function URL: events of version 2.0.
    HttpApi,
    /// An Application Load Balancer.
    LoadBalancer,
}

/// An HTTP request as an event: the fields of all origins. Where there is nothing to say, some send
/// null.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HttpEvent {
    version: Option<String>,
    http_method: Option<String>,
    path: Option<String>,
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    query_string_parameters: Option<BTreeMap<String, String>>,
    multi_value_query_string_parameters: Option<BTreeMap<String, Vec<String>>>,
    headers: Option<BTreeMap<String, String>>,
    multi_value_headers: Option<BTreeMap<String, Vec<String>>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
    request_context: Context,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Context {
    stage: Option<String>,
    domain_name: Option<String>,
    http: Option<HttpContext>,
    identity: Option<Identity>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HttpContext {
    method: Option<String>,
    source_ip: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Identity {
    source_ip: Option<String>,
}

impl Context {
    /// Returns true for an API at a domain of its user.
    fn has_own_domain(&self) -> bool {
        let domain = self.domain_name.as_deref();
        domain.is_some_and(|domain| !AWS_DOMAINS.iter().any(|of_aws| domain.ends_with(of_aws)))
    }
}

impl HttpEvent {
    /// Returns true if the reply is to have lists of values as headers.
    pub(super) fn has_header_lists(&self) -> bool {
        self.multi_value_headers.is_some()
    }

    /// Path of the request, without the stage or the base path of its API.
    pub(super) fn path(&self, origin: Origin) -> &str {
        let raw = match origin {
            Origin::HttpApi => self.raw_path.as_deref(),
            Origin::RestApi | Origin::LoadBalancer => self.path.as_deref(),
        };
        let path = raw.unwrap_or("/");
        let context = &self.request_context;
        match origin {
            Origin::LoadBalancer => path,
            _ if context.has_own_domain() => without_base(path),
            // A REST API's paths have no stage.
            Origin::RestApi if self.version.is_none() => path,
            Origin::RestApi | Origin::HttpApi => match context.stage.as_deref() {
                Some(stage) if stage != DEFAULT_STAGE => without_stage(path, stage),
                _ => path,
            },
        }
    }

    /// Address of the client, as the origin tells it.
    pub(super) fn address(&self, origin: Origin) -> Option<IpAddr> {
        let context = &self.request_context;
        let told = match origin {
            Origin::HttpApi => context.http.as_ref()?.source_ip.as_deref(),
            Origin::RestApi => context.identity.as_ref()?.source_ip.as_deref(),
            // The balancer adds the address that it has seen.
            Origin::LoadBalancer => self.header(FORWARDED_FOR)?.rsplit(',').next(),
        };
        let told = told?.trim();
        let with_port = || told.parse().ok().map(|address: SocketAddr| address.ip());
        told.parse().ok().or_else(with_port)
    }

    /// Last value of a header, whose name is in small letters.
    fn header(&self, name: &str) -> Option<&str> {
        let is_it = |of: &str| of.eq_ignore_ascii_case(name);
        let mut lists = self.multi_value_headers.iter().flatten();
        let list = lists
            .find(|(of, _)| is_it(of))
            .and_then(|(_, values)| values.last());
        let mut single = self.headers.iter().flatten();
        let found = list.or_else(|| single.find(|(of, _)| is_it(of)).map(|(_, value)| value));
        found.map(String::as_str)
    }

    /// Makes the request.
    ///
    /// # Errors
    ///
    /// If it is not one of HTTP. The message tells why.
    pub(super) fn request(self, origin: Origin) -> Result<Request<Bytes>, &'static str> {
        let path = utf8_percent_encode(self.path(origin), &NOT_IN_PATH).to_string();
        let query = self.query(origin);
        let uri = if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        };
        let uri: Uri = uri.parse().map_err(|_| "the path of the event is none")?;
        let method = match origin {
            Origin::HttpApi => self.request_context.http.and_then(|http| http.method),
            Origin::RestApi | Origin::LoadBalancer => self.http_method,
        };
        let method = method.as_deref().unwrap_or("GET");
        let method: Method = method.parse().map_err(|_| "the event has no HTTP method")?;
        let body = self.body.unwrap_or_default();
        let body = match self.is_base64_encoded {
            Some(true) => STANDARD
                .decode(body)
                .map_err(|_| "the body of the event is not base64")?,
            _ => body.into_bytes(),
        };
        let mut request = Request::new(Bytes::from(body));
        *request.uri_mut() = uri;
        *request.method_mut() = method;
        let single = self.headers.unwrap_or_default().into_iter();
        let single = single.map(|(name, value)| (name, vec![value]));
        // The lists have all that the single values have.
        let lists = self.multi_value_headers.filter(|lists| !lists.is_empty());
        let lists = lists.unwrap_or_else(|| single.collect());
        for (name, values) in lists {
            // Nothing sends a header that HTTP does not allow.
            let Ok(name) = HeaderName::try_from(name) else {
                continue;
            };
            for value in values {
                if let Ok(value) = HeaderValue::try_from(value) {
                    request.headers_mut().append(name.clone(), value);
                }
            }
        }
        // The body is here, whatever was said of its length on the way.
        request.headers_mut().remove(CONTENT_LENGTH);
        Ok(request)
    }

    /// Query of the request, encoded.
    fn query(&self, origin: Origin) -> String {
        if origin == Origin::HttpApi {
            return self.raw_query_string.clone().unwrap_or_default();
        }
        let single = self.query_string_parameters.iter().flatten();
        let lists = self.multi_value_query_string_parameters.as_ref();
        let pairs: Vec<(&String, &String)> = match lists.filter(|lists| !lists.is_empty()) {
            Some(lists) => lists
                .iter()
                .flat_map(|(name, values)| values.iter().map(move |value| (name, value)))
                .collect(),
            None => single.collect(),
        };
        let pairs = pairs.into_iter().map(|(name, value)| match origin {
            // Load balancers leave them as they came.
            Origin::LoadBalancer => format!("{name}={value}"),
            Origin::RestApi | Origin::HttpApi => {
                let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
                format!("{}={}", encoded(name), encoded(value))
            }
        });
        pairs.collect::<Vec<String>>().join("&")
    }
}

/// Path behind the base path of an API's own domain, which nothing names, and which may have the
/// stage in it: the longest end that has a route.
fn without_base(path: &str) -> &str {
    if is_route(path) {
        return path;
    }
    let ends = path.match_indices('/').skip(1).map(|(at, _)| &path[at..]);
    { ends }.find(|end| is_route(end)).unwrap_or(path)
}

/// Path behind its first segment, if that is the stage.
fn without_stage<'a>(path: &'a str, stage: &str) -> &'a str {
    let rest = path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage));
    match rest {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(origin: Origin, event: Value) -> Result<Request<Bytes>, &'static str> {
        let event: HttpEvent = serde_json::from_value(event).unwrap();
        event.request(origin)
    }

    fn target(origin: Origin, event: Value) -> String {
        request(origin, event).unwrap().uri().to_string()
    }

    #[test]
    fn a_stage_is_removed_once_and_whole() {
        let http = |stage: &str, path: &str| {
            target(
                Origin::HttpApi,
                json!({"rawPath": path, "requestContext": {"stage": stage}}),
            )
        };
        assert_eq!(http("prod", "/prod/v1/models"), "/v1/models");
        assert_eq!(http("v1", "/v1/v1/models"), "/v1/models");
        assert_eq!(http("v1", "/v1"), "/");
        assert_eq!(http("em", "/embed"), "/embed");
        assert_eq!(http("$default", "/v1/models"), "/v1/models");
        let rest = json!({"path": "/v1/models", "requestContext": {"stage": "v1",
            "domainName": "a1b2.execute-api.cn-north-1.amazonaws.com.cn"}});
        assert_eq!(target(Origin::RestApi, rest), "/v1/models");
        let first = json!({"version": "1.0", "path": "/v1/v1/models",
            "requestContext": {"stage": "v1"}});
        assert_eq!(target(Origin::RestApi, first), "/v1/models");
    }

    #[test]
    fn the_base_path_of_an_own_domain_is_removed() {
        for (path, expected) in [
            ("/v1/models", "/v1/models"),
            ("/gte/v1/models", "/v1/models"),
            ("/team/gte/embed", "/embed"),
            ("/gte/", "/"),
            ("/gte/none", "/gte/none"),
            ("/favicon.ico", "/favicon.ico"),
        ] {
            let context = json!({"stage": "v1", "domainName": "api.example.com"});
            let rest = json!({"path": path, "requestContext": context});
            assert_eq!(target(Origin::RestApi, rest), expected);
            let http = json!({"rawPath": path, "requestContext": context});
            assert_eq!(target(Origin::HttpApi, http), expected);
        }
    }

    #[test]
    fn each_origin_tells_the_address_of_the_client() {
        let address = |origin, event: Value| {
            let event: HttpEvent = serde_json::from_value(event).unwrap();
            event.address(origin).map(|address| address.to_string())
        };
        let known = Some("192.0.2.7".to_owned());
        let http = json!({"requestContext": {"http": {"sourceIp": "192.0.2.7"}}});
        assert_eq!(address(Origin::HttpApi, http), known);
        let rest = json!({"requestContext": {"identity": {"sourceIp": "192.0.2.7"}}});
        assert_eq!(address(Origin::RestApi, rest), known);
        for last in ["192.0.2.7", "192.0.2.7:4711"] {
            let one = json!({"headers": {"X-Forwarded-For": format!("10.0.0.1, {last}")}});
            assert_eq!(address(Origin::LoadBalancer, one), known);
        }
        let list = json!({"multiValueHeaders": {"x-forwarded-for": ["10.0.0.1", "192.0.2.7"]}});
        assert_eq!(address(Origin::LoadBalancer, list), known);
        assert_eq!(address(Origin::HttpApi, json!({})), None);
    }

    #[test]
    fn queries_are_encoded_as_each_origin_needs_it() {
        let parameters = json!({"path": "/", "queryStringParameters": {"a": "%E4%BD%A0 x"}});
        let encoded = "/?a=%25E4%25BD%25A0%20x";
        assert_eq!(target(Origin::RestApi, parameters), encoded);
        let parameters = json!({"path": "/", "queryStringParameters": {"a": "%E4%BD%A0"}});
        assert_eq!(target(Origin::LoadBalancer, parameters), "/?a=%E4%BD%A0");
        let lists = json!({"path": "/你", "queryStringParameters": {"a": "2"},
            "multiValueQueryStringParameters": {"a": ["1", "2"]}});
        assert_eq!(target(Origin::RestApi, lists), "/%E4%BD%A0?a=1&a=2");
    }

    #[test]
    fn headers_of_lists_count_and_impossible_ones_do_not() {
        let event = json!({"path": "/", "headers": {"x-one": "b"},
            "multiValueHeaders": {"X-One": ["a", "b"], "bad name": ["c"], "x-two": ["d\n"]}});
        let request = request(Origin::RestApi, event).unwrap();
        let values: Vec<_> = request.headers().get_all("x-one").iter().collect();
        assert_eq!(values, ["a", "b"]);
        assert_eq!(request.headers().len(), 2);
    }

    #[test]
    fn what_is_not_http_is_told() {
        for (event, expected) in [
            (
                json!({"path": "/", "body": "?", "isBase64Encoded": true}),
                "base64",
            ),
            (json!({"path": "/", "httpMethod": "GET IT"}), "method"),
            (json!({"path": ""}), "path"),
        ] {
            let problem = request(Origin::RestApi, event).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
        let nulls = json!({"path": null, "headers": null, "body": null, "httpMethod": null});
        assert_eq!(target(Origin::RestApi, nulls), "/");
    }
}
