/** The page that reads our OpenAPI document to a developer. A page of its own: the chat never loads any of this. */
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'
import 'swagger-ui-dist/swagger-ui.css'
import './styles/tokens.css'
import './styles/docs.css'

SwaggerUI({
  url: '/api/openapi.json',
  dom_id: '#reader',
  deepLinking: true,
  tryItOutEnabled: false,
  // Its colours are of one theme only; examples are read in ours.
  syntaxHighlight: { activated: false },
  // No validator of somebody else's: the page speaks to this server only.
  validatorUrl: null,
  requestInterceptor(request: { headers: Record<string, string> }) {
    request.headers['X-Requested-With'] = 'folkmoot'
    return request
  },
})
