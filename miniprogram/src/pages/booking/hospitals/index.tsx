// Booking starts here: every hospital of the city, or a search for hospital, department or doctor.
import { Text, View } from '@tarojs/components'
import { useState } from 'react'
import { Page } from '../../../components/page'
import { Row } from '../../../components/row'
import { SearchBox } from '../../../components/searchBox'
import { Empty, Loaded, LoadedList } from '../../../components/states'
import { useLoad } from '../../../hooks/useLoad'
import { usePages } from '../../../hooks/usePages'
import { useSettled } from '../../../hooks/useSettled'
import { listOrganizations, searchDirectory } from '../../../services/directory'
import type { Organization, SearchResult } from '../../../services/types'
import { booking as t, pageTitles } from '../../../texts'
import { go, routes } from '../../../utils/navigate'
import { gradeOf } from '../../../utils/organization'
import './index.scss'

function OrganizationRow({ organization }: { organization: Organization }) {
  const { id, name, kind_name: kind, district, address } = organization
  const note = [gradeOf(organization) || kind, address || district].filter(Boolean).join(' · ')
  const open = (): void => {
    go(routes.departments(id))
  }
  return <Row icon="hospital" title={name} note={note} onPress={open} testId="org-item" />
}

function Hospitals() {
  const list = usePages('organizations', listOrganizations)
  return (
    <LoadedList of={list} empty={<Empty icon="hospital" text={t.noHospitals} />}>
      {(items) => (
        <View className="rows">
          {items.map((organization) => <OrganizationRow organization={organization} key={organization.id} />)}
        </View>
      )}
    </LoadedList>
  )
}

function Found({ found: { organizations, departments, practitioners } }: { found: SearchResult }) {
  if (organizations.length + departments.length + practitioners.length === 0) {
    return <Empty icon="search" text={t.nothingFound} hint={t.nothingFoundHint} />
  }
  const groups = [
    { title: t.hospitals, rows: organizations.map((one) => <OrganizationRow organization={one} key={one.id} />) },
    { title: t.departments, rows: departments.map((one) => {
      const open = (): void => {
        go(routes.days(one.id))
      }
      const note = [one.organization_name, one.place].filter(Boolean).join(' · ')
      return <Row icon="pin" title={one.name} note={note} onPress={open} key={one.id} testId="dept-item" />
    }) },
    { title: t.doctors, rows: practitioners.map((one) => {
      const open = (): void => {
        go(routes.days(one.department_ids[0] ?? '', one.id))
      }
      const note = [one.title, one.organization_name, one.specialty].filter(Boolean).join(' · ')
      return <Row icon="person" title={one.name} note={note} onPress={open} key={one.id} testId="doctor-item" />
    }) },
  ]
  return (
    <>
      {groups.filter((group) => group.rows.length > 0).map((group) => (
        <View key={group.title} className="found">
          <Text className="found__title">{group.title}</Text>
          <View className="rows">{group.rows}</View>
        </View>
      ))}
    </>
  )
}

function Results({ q }: { q: string }) {
  const found = useLoad(`search:${q}`, () => searchDirectory(q))
  return <Loaded of={found} rows={2}>{(data) => <Found found={data} />}</Loaded>
}

export default function HospitalsPage() {
  const [text, setText] = useState('')
  const q = useSettled(text.trim())
  return (
    <Page title={pageTitles.hospitals} tab>
      <SearchBox value={text} onChange={setText} label={t.searchPlaceholder} testId="search-input" />
      {q ? <Results q={q} /> : (
        <>
          <Text className="found__hint">{t.searchHint}</Text>
          <Hospitals />
        </>
      )}
    </Page>
  )
}
