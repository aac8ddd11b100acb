// Choosing for whom: the resident or someone he acts for.
import { Text, View } from '@tarojs/components'
import type { Patient } from '../../services/types'
import { patients as t, relationNames } from '../../texts'
import { Press } from '../press'
import './index.scss'

/** Names are masked, so two children may look alike: the age tells them apart. */
function relationOf({ relation, age }: Patient): string {
  return relation === 'self' ? relationNames.self : `${relationNames[relation]} ${t.age(age)}`
}

interface PatientPickerProps {
  patients: Patient[]
  chosen: string | undefined
  onChoose: (patient: Patient) => void
  label: string
}

export function PatientPicker({ patients, chosen, onChoose, label }: PatientPickerProps) {
  return (
    <View className="picker" role="radiogroup" aria-label={label}>
      {patients.map((patient) => (
        <Press
          key={patient.id}
          role="radio"
          selected={patient.id === chosen}
          disabled={patient.state === 'pending'}
          className={`picker__item ${patient.id === chosen ? 'picker__item--on' : ''}`}
          onPress={() => {
            onChoose(patient)
          }}
          testId="patient-option"
        >
          <Text className="picker__name">{patient.name}</Text>
          <Text className="picker__relation">{relationOf(patient)}</Text>
        </Press>
      ))}
    </View>
  )
}
