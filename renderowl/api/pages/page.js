// Shows the API's own document. Tokens that are typed in stay in this page's memory.
SwaggerUIBundle({
  url: "openapi.json",
  domNode: document.getElementById("api"),
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
