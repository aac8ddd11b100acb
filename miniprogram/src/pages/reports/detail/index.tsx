// One report: what was found, in plain words, with the way to its images, its original and its trend.
import { Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Facts } from '../../../components/facts'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Empty, FormError, Loaded } from '../../../components/states'
import { Tag } from '../../../components/tag'
import { useLoad } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { fetchDocument, fetchReport, fetchReportPdf, type Report } from '../../../services/reports'
import { pageTitles } from '../../../texts'
import { reports as t, reportStateNames } from '../../../texts/reports'
import { go, routes } from '../../../utils/navigate'
import { extensionOf, noteOf } from '../../../utils/report'
import { saveFile } from '../../../utils/saveFile'
import { formatInstant } from '../../../utils/time'
import { Results } from './results'
import { ShareSheet } from './shareSheet'
import './index.scss'

function Head({ report }: { report: Report }) {
  const note = noteOf(report)
  return (
    <View className="report__card">
      <Text className="report__title">{report.title}</Text>
      {report.state === 'final' ? null : <View><Tag text={reportStateNames[report.state]} tone={report.state === 'corrected' ? 'info' : 'wait'} /></View>}
      {note ? <Text className="report__note" data-testid="report-note">{note}</Text> : null}
      <Facts facts={[
        [t.hospital, report.organization_name],
        [t.at[report.kind], formatInstant(report.at)],
        [t.issuedAt, report.issued_at ? formatInstant(report.issued_at) : null],
        [t.doctors, report.doctors.join('、')],
      ]} />
    </View>
  )
}

function Files({ report, open }: { report: Report; open: boolean }) {
  const [sharing, setSharing] = useState(false)
  const loading = useSubmit()
  const save = (fetching: () => Promise<ArrayBuffer>, extension: string) => (): void => {
    void loading.run(async () => {
      await saveFile(await fetching(), `report.${extension}`)
    })
  }
  return (
    <View className="report__files">
      {report.kind === 'lab' ? null : (
        <Button
          text={t.images} testId="report-images"
          onPress={() => {
            go(routes.images(report.id, open))
          }}
        />
      )}
      {report.documents.map(({ number, title, content_type: kind }) => (
        <Button kind="plain" key={number} text={title || t.document} busy={loading.busy} onPress={save(() => fetchDocument(report.id, number, open), extensionOf(kind))} />
      ))}
      <Button kind="plain" text={t.pdf} busy={loading.busy} onPress={save(() => fetchReportPdf(report.id, open), 'pdf')} testId="report-pdf" />
      <Button
        kind="plain" text={t.share} testId="report-share"
        onPress={() => {
          setSharing(true)
        }}
      />
      <FormError error={loading.error} />
      <ShareSheet
        reportId={report.id} sensitive={report.sensitive} open={sharing}
        onClose={() => {
          setSharing(false)
        }}
      />
    </View>
  )
}

function Opened({ report, open }: { report: Report; open: boolean }) {
  return (
    <View className="report" data-testid="report-detail">
      <Head report={report} />
      {report.conclusion ? (
        <View className="report__card">
          <Text className="report__heading">{t.conclusion}</Text>
          <Text className="report__conclusion">{report.conclusion}</Text>
        </View>
      ) : null}
      <Results report={report} />
      <Text className="report__note">{t.caution}</Text>
      <Files report={report} open={open} />
    </View>
  )
}

function Detail({ reportId }: { reportId: string }) {
  const [open, setOpen] = useState(false)
  const load = useLoad(`${reportId}/${String(open)}`, () => fetchReport(reportId, open))
  const openIt = (): void => {
    setOpen(true)
  }
  return (
    <Loaded of={load}>
      {(report) => (report.hidden
        ? <Empty icon="shield" text={t.sensitiveTitle} hint={t.sensitiveHint} action={<Button text={t.openSensitive} onPress={openIt} testId="report-open" />} />
        : <Opened report={report} open={open} />)}
    </Loaded>
  )
}

export default function ReportPage() {
  const { params } = useRouter<{ report_id: string }>()
  return (
    <Page title={pageTitles.report}>
      <Guard realName>{() => <Detail reportId={params.report_id} />}</Guard>
    </Page>
  )
}
