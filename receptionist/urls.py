"""Pages of the receptionist room on a tenant's host."""

from __future__ import annotations

from django.urls import path

from receptionist import views

app_name = "receptionist"

urlpatterns = [
    path("receptionist", views.receptionist, name="receptionist"),
    path("receptionist/greeting/<str:digest>.wav", views.greeting_audio, name="greeting_audio"),
    path("receptionist/voices/<str:name>.wav", views.voice_audio, name="voice_audio"),
    path("receptionist/hours", views.opening_hours, name="hours"),
    path("receptionist/holidays", views.holiday_add, name="holiday_add"),
    path("receptionist/holidays/<int:day_id>/remove", views.holiday_remove, name="holiday_remove"),
    path("receptionist/services", views.service_list, name="services"),
    path("knowledge/try", views.try_question, name="try"),
]
