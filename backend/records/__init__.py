"""The record: FHIR R4 resources of every hospital in one store, versioned, sealed, read only on a basis."""
