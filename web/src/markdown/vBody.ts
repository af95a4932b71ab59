import type { Directive } from 'vue'
import { renderBody } from './render'

/** `v-body="text"`: the element's content becomes the rendered message. */
export const vBody: Directive<HTMLElement, string> = {
  mounted: (element, { value }) => element.replaceChildren(renderBody(value)),
  updated(element, { value, oldValue }) {
    if (value !== oldValue) element.replaceChildren(renderBody(value))
  },
}
