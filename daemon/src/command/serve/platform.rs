//! Variables of serverless platforms.

use std::net::{Ipv4Addr, SocketAddr};

use gte_shared::environment::variable_os;
use gte_shared::settings::{HttpAddress, SettingsError};

/// Variables of Alibaba's Function Compute that name a port. The second is the one of its pages,
/// and the only one that its local tool sets.
const FC_PORTS: [&str; 2] = ["FC_SERVER_PORT", "FC_CUSTOM_LISTEN_PORT"];

/// Variable of Function Compute that is there in any case.
const FC_FUNCTION: &str = "FC_FUNCTION_NAME";

/// Variable that Cloud Run, Knative and others name a port by.
const PORT: &str = "PORT";

/// Returns true in Function Compute.
pub(super) fn is_fc() -> bool {
    let is_set = |name: &&str| variable(name).is_some();
    FC_PORTS.iter().chain([&FC_FUNCTION]).any(is_set)
}

/// The address that the platform names: all addresses of the machine, with its port. `is_prepared`
/// is true if the settings say how clients are let in. Without that, `PORT` is not for this
/// program: shells and other tools set it as well.
///
/// # Errors
///
/// If a variable is not a port.
pub(super) fn address(is_prepared: bool) -> Result<Option<HttpAddress>, SettingsError> {
    named_address(variable, is_prepared)
}

fn named_address(
    variable: impl Fn(&str) -> Option<String>,
    is_prepared: bool,
) -> Result<Option<HttpAddress>, SettingsError> {
    let mut known = FC_PORTS.into_iter().chain(is_prepared.then_some(PORT));
    let Some((name, value)) = known.find_map(|name| Some((name, variable(name)?))) else {
        return Ok(None);
    };
    let port: Result<u16, _> = value.parse();
    let port = port.map_err(|_| SettingsError::Value {
        place: name.to_owned(),
        problem: "expected a port".to_owned(),
    })?;
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    Ok(Some(HttpAddress::Tcp(address)))
}

/// Value of a variable that is not empty.
fn variable(name: &str) -> Option<String> {
    let value = variable_os(name)?;
    Some(value.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(variables: &[(&str, &str)], is_prepared: bool) -> Result<Option<String>, String> {
        let variable = |name: &str| {
            let (_, value) = variables.iter().find(|(of, _)| *of == name)?;
            Some((*value).to_owned())
        };
        let address = named_address(variable, is_prepared);
        let address = address.map_err(|error| error.to_string())?;
        Ok(address.map(|address| address.to_string()))
    }

    #[test]
    fn function_compute_comes_before_port() {
        let port = ("PORT", "8080");
        let all = |port: &str| Ok(Some(format!("0.0.0.0:{port}")));
        assert_eq!(address_of(&[port], true), all("8080"));
        assert_eq!(
            address_of(&[port, ("FC_SERVER_PORT", "9000")], true),
            all("9000")
        );
        let custom = ("FC_CUSTOM_LISTEN_PORT", "9001");
        assert_eq!(address_of(&[port, custom], false), all("9001"));
        assert_eq!(address_of(&[], true), Ok(None));
    }

    #[test]
    fn port_alone_opens_nothing() {
        assert_eq!(address_of(&[("PORT", "3000")], false), Ok(None));
        assert_eq!(address_of(&[("PORT", "none")], false), Ok(None));
        let wrong = address_of(&[("PORT", "70000")], true).unwrap_err();
        assert_eq!(wrong, "PORT: expected a port");
    }
}
