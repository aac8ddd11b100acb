// A small viewer: one picture at a time, drawn by the city; window, slices, size.
import { ScrollView, Text, View } from '@tarojs/components'
import { useRouter } from '@tarojs/taro'
import { useState } from 'react'
import { Button } from '../../../components/button'
import { Drawing } from '../../../components/drawing'
import { Guard } from '../../../components/guard'
import { Page } from '../../../components/page'
import { Empty, FormError, Loaded, Loading } from '../../../components/states'
import { Tabs } from '../../../components/tabs'
import { useLoad } from '../../../hooks/useLoad'
import { useSubmit } from '../../../hooks/useSubmit'
import { fetchImageFile, fetchPicture, type ImageSeries, type ImageStudy, listImages } from '../../../services/reports'
import { pageTitles } from '../../../texts'
import { images as t } from '../../../texts/reports'
import { jpegAddress, slicesOf, type Slice, windowStep, zoomStep } from '../../../utils/images'
import { saveFile } from '../../../utils/saveFile'
import './index.scss'

interface Look {
  brightness: number
  contrast: number
  zoom: number
}

const PLAIN: Look = { brightness: 0, contrast: 0, zoom: 1 }

function Picture({ slice, at, look }: { slice: Slice; at: number; look: Look }) {
  const window = windowStep(slice, look.brightness, look.contrast)
  const key = `${slice.id}/${String(slice.frame)}/${window ? `${String(window.center)}/${String(window.width)}` : ''}`
  const load = useLoad(key, () => fetchPicture(slice.id, slice.frame, window))
  const saving = useSubmit()
  const download = (): void => {
    void saving.run(async () => {
      await saveFile(await fetchImageFile(slice.id), 'image.dcm')
    })
  }
  if (load.error?.status === 406) {
    return (
      <>
        <Empty icon="alert" text={t.notShown} action={<Button kind="plain" text={t.download} busy={saving.busy} onPress={download} testId="image-download" />} />
        <FormError error={saving.error} />
      </>
    )
  }
  if (!load.data && !load.error) return <Loading rows={1} />
  return (
    <Loaded of={load}>
      {(bytes) => (
        <ScrollView scrollX scrollY className="viewer__frame">
          <View className="viewer__zoomed" style={{ width: `${String(look.zoom * 100)}%` }}>
            <Drawing src={jpegAddress(bytes)} label={t.picture(at)} />
          </View>
        </ScrollView>
      )}
    </Loaded>
  )
}

function Controls({ look, change }: { look: Look; change: (look: Look) => void }) {
  const step = (text: string, next: Partial<Look>, testId: string) => (
    <Button
      small kind="plain" text={text} testId={testId}
      onPress={() => {
        change({ ...look, ...next })
      }}
    />
  )
  return (
    <View className="viewer__controls">
      {step(t.brighter, { brightness: look.brightness + 1 }, 'image-brighter')}
      {step(t.darker, { brightness: look.brightness - 1 }, 'image-darker')}
      {step(t.more, { contrast: look.contrast + 1 }, 'image-more')}
      {step(t.less, { contrast: look.contrast - 1 }, 'image-less')}
      {step(t.zoomIn, { zoom: zoomStep(look.zoom, 1) }, 'image-zoom-in')}
      {step(t.zoomOut, { zoom: zoomStep(look.zoom, -1) }, 'image-zoom-out')}
      {step(t.reset, PLAIN, 'image-reset')}
    </View>
  )
}

function Series({ series }: { series: ImageSeries }) {
  const slices = slicesOf(series)
  const [at, setAt] = useState(0)
  const [look, setLook] = useState(PLAIN)
  const slice = slices[at]
  if (!slice) return <Empty icon="paper" text={t.empty} />
  const go = (by: number) => (): void => {
    setAt(Math.min(slices.length - 1, Math.max(0, at + by)))
  }
  return (
    <View className="viewer">
      <Picture slice={slice} at={at + 1} look={look} />
      <Text className="viewer__position" data-testid="image-position">{t.position(at + 1, slices.length)}</Text>
      {slices.length > 1 ? (
        <View className="viewer__steps">
          <Button kind="plain" text={t.previous} disabled={at === 0} onPress={go(-1)} testId="image-previous" />
          <Button kind="plain" text={t.next} disabled={at === slices.length - 1} onPress={go(1)} testId="image-next" />
        </View>
      ) : null}
      <Controls look={look} change={setLook} />
      <Text className="viewer__note">{t.caution}</Text>
    </View>
  )
}

function Studies({ studies }: { studies: ImageStudy[] }) {
  const all = studies.flatMap(({ series }) => series)
  const [chosen, setChosen] = useState('0')
  const series = all[Number(chosen)]
  if (!series) return <Empty icon="paper" text={t.empty} hint={t.emptyHint} />
  return (
    <>
      {all.length > 1 ? (
        <Tabs tabs={all.map(({ description, modality }, i) => ({ key: String(i), text: description || `${modality} ${String(i + 1)}` }))} chosen={chosen} onChoose={setChosen} />
      ) : null}
      <Series series={series} key={chosen} />
    </>
  )
}

function Viewer({ reportId, open }: { reportId: string; open: boolean }) {
  const load = useLoad(`images/${reportId}`, () => listImages(reportId, open))
  return <Loaded of={load}>{(studies) => <Studies studies={studies} />}</Loaded>
}

export default function ImagesPage() {
  const { params } = useRouter<{ report_id: string; open?: string }>()
  return (
    <Page title={pageTitles.images}>
      <Guard realName>{() => <Viewer reportId={params.report_id} open={params.open === '1'} />}</Guard>
    </Page>
  )
}
