//! The score of a request, which its URL may name: `?score=raw`.

use gte_shared::score::ScoreKind;

use super::super::failure::Failure;

/// Reads the query of a URL, which may name the score and nothing else.
pub(super) fn score_of(query: Option<&str>) -> Result<Option<ScoreKind>, Failure> {
    let parameters = query.unwrap_or_default().split('&');
    let mut score = None;
    for parameter in parameters.filter(|parameter| !parameter.is_empty()) {
        let named = parameter.strip_prefix("score=");
        let named = named.and_then(|kind| kind.parse().ok());
        // Twice would be once too often.
        let named = named.filter(|_| score.is_none());
        score = Some(named.ok_or_else(|| {
            Failure::bad_request("the query of the URL is not one of this route")
                .with_hint("it may be score=raw or score=calibrated")
        })?);
    }
    Ok(score)
}

/// The score that a query and a body ask for.
pub(super) fn one_score(
    query: Option<ScoreKind>,
    body: Option<ScoreKind>,
) -> Result<ScoreKind, Failure> {
    match (query, body) {
        (Some(query), Some(body)) if query != body => Err(Failure::bad_request(
            "the URL and the body ask for different scores",
        )),
        (query, body) => Ok(query.or(body).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_a_score_or_nothing() {
        assert_eq!(score_of(None).unwrap(), None);
        assert_eq!(score_of(Some("")).unwrap(), None);
        assert_eq!(score_of(Some("score=raw")).unwrap(), Some(ScoreKind::Raw));
        for wrong in [
            "score=",
            "score=x",
            "raw",
            "score=raw&model=x",
            "score=raw&score=raw",
        ] {
            assert!(score_of(Some(wrong)).is_err(), "{wrong}");
        }
        let (raw, calibrated) = (Some(ScoreKind::Raw), Some(ScoreKind::Calibrated));
        assert_eq!(one_score(raw, None).unwrap(), ScoreKind::Raw);
        assert_eq!(one_score(None, None).unwrap(), ScoreKind::Calibrated);
        assert!(one_score(raw, calibrated).is_err());
    }
}
