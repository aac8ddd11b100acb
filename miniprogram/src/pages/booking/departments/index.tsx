// A hospital and its departments.
import { Text, View } from '@tarojs/components'
import Taro, { useRouter } from '@tarojs/taro'
import { useState } from 'react'
import { Icon } from '../../../components/icon'
import { Page } from '../../../components/page'
import { Press } from '../../../components/press'
import { Row } from '../../../components/row'
import { SearchBox } from '../../../components/searchBox'
import { Empty, Loaded } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { useLoad } from '../../../hooks/useLoad'
import { fetchOrganization, listDepartments } from '../../../services/directory'
import type { Department, Organization } from '../../../services/types'
import { booking as t, common, pageTitles } from '../../../texts'
import { go, routes } from '../../../utils/navigate'
import { gradeOf } from '../../../utils/organization'
import './index.scss'

const MANY = 12

function Hospital({ organization }: { organization: Organization }) {
  const { name, kind_name: kind, address, phone } = organization
  const grade = gradeOf(organization) || kind
  const call = (): void => {
    if (phone) void Taro.makePhoneCall({ phoneNumber: phone }).catch(() => undefined)
  }
  return (
    <View className="hospital">
      <View className="hospital__top">
        <Text className="hospital__name">{name}</Text>
        {grade ? <Tag text={grade} tone="info" /> : null}
      </View>
      {address ? (
        <View className="hospital__line">
          <View className="hospital__icon"><Icon name="pin" size={20} /></View>
          <Text className="hospital__text">{address}</Text>
        </View>
      ) : null}
      {phone ? (
        <Press className="hospital__line" onPress={call} label={`${common.call} ${phone}`} testId="org-call">
          <View className="hospital__icon"><Icon name="phone" size={20} /></View>
          <Text className="hospital__text hospital__text--link">{phone}</Text>
        </Press>
      ) : null}
    </View>
  )
}

/** Where it is, and for a vaccination clinic what it gives. */
function noteOf({ place, offer }: Department): string {
  const products = offer?.products.map((product) => product.display) ?? []
  const doses = offer?.doses.map(t.dose) ?? []
  return [place, products.join('、'), doses.join('、')].filter(Boolean).join(' · ')
}

function Departments({ all }: { all: Department[] }) {
  const [text, setText] = useState('')
  const wanted = text.trim()
  const shown = wanted ? all.filter((one) => one.name.includes(wanted)) : all
  if (all.length === 0) return <Empty icon="hospital" text={t.noDepartments} />
  return (
    <>
      {all.length > MANY ? <SearchBox value={text} onChange={setText} label={t.filterDepartments} testId="dept-filter" /> : null}
      {shown.length === 0 ? <Empty icon="search" text={t.nothingFound} /> : null}
      <View className="rows">
        {shown.map((one) => {
          const open = (): void => {
            go(routes.days(one.id))
          }
          return <Row key={one.id} title={one.name} note={noteOf(one)} onPress={open} testId="dept-item" />
        })}
      </View>
    </>
  )
}

export default function DepartmentsPage() {
  const { params } = useRouter<{ organization_id: string }>()
  const id = params.organization_id
  const organization = useLoad(id, () => fetchOrganization(id))
  const departments = useLoad(id, () => listDepartments(id))
  return (
    <Page title={pageTitles.departments}>
      {organization.data ? <Hospital organization={organization.data} /> : null}
      <Loaded of={departments}>{(all) => <Departments all={all} />}</Loaded>
    </Page>
  )
}
