"""From segments to FHIR R4: one module per family of resources, tables as data beside them."""
