//! The places of the resources that have a key.

use super::rows::Place;

/// Places in order, each once. Most keys have one.
#[derive(Debug, Clone)]
pub(super) enum Postings {
    One(Place),
    Many(Vec<Place>),
}

impl Postings {
    pub(super) fn as_slice(&self) -> &[Place] {
        match self {
            Self::One(place) => std::slice::from_ref(place),
            Self::Many(places) => places,
        }
    }

    pub(super) fn add(&mut self, place: Place) {
        match self {
            Self::One(only) if *only == place => {}
            Self::One(only) => {
                let mut both = vec![*only, place];
                both.sort_unstable();
                *self = Self::Many(both);
            }
            Self::Many(places) => {
                if let Err(at) = places.binary_search(&place) {
                    places.insert(at, place);
                }
            }
        }
    }

    /// Takes a place out; whether none is left.
    pub(super) fn remove(&mut self, place: Place) -> bool {
        match self {
            Self::One(only) => *only == place,
            Self::Many(places) => {
                if let Ok(at) = places.binary_search(&place) {
                    places.remove(at);
                    // What has become small gives its room back.
                    if places.len() * 4 < places.capacity() {
                        places.shrink_to(places.len() * 2);
                    }
                }
                places.is_empty()
            }
        }
    }
}
