// For whom a page is: the resident first, then whom he acts for.
import { useState } from 'react'
import type { Patient } from '../services/types'

export interface PatientChoice {
  chosen: Patient | undefined
  choose: (patient: Patient) => void
}

/** The one who was tapped, else the first of those who may be acted for. */
export function usePatientChoice(patients: Patient[] | undefined, wanted?: string): PatientChoice {
  const [tapped, setTapped] = useState(wanted)
  const active = (patients ?? []).filter(({ state }) => state === 'active')
  const chosen = active.find(({ id }) => id === tapped) ?? active[0]
  const choose = (patient: Patient): void => {
    setTapped(patient.id)
  }
  return { chosen, choose }
}
